"""What is wrong with a dataset: findings with their pictures and what mends them, and the thorough check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core import checking, escape
from core.data.checks import evidence, probe, table
from core.data.checks.report import Finding, Report
from core.data.dataset import Dataset
from core.errors import GraftError
from core.recipe.fields import DataSettings
from pages.parts.data import changing, viewer
from pages.parts.data.tile import tile
from pages.parts.session import state
from pages.parts.widgets import errors, gallery, job_progress, wording

PER_PAGE = 12
_ICONS = {"error": ":red[:material/error:]", "warning": ":orange[:material/warning:]",
          "hint": ":blue[:material/lightbulb:]"}
_ELSEWHERE = ("unusable", "unsplit")
"""What other parts of the page say."""
_FOLLOWED, _PROBE = "followed-check", "probe"


@st.cache_data(max_entries=4, show_spinner=False)
def _report(path: str, fingerprint: str, classes: tuple[str, ...], settings: str, stamp: int) -> Report:
    from pathlib import Path

    return table.report(Dataset.load(Path(path)), DataSettings.model_validate_json(settings))


def report(dataset: Dataset, settings: DataSettings) -> Report:
    """What is known to be wrong with a dataset as these settings split it."""
    return _report(str(dataset.path), dataset.fingerprint, tuple(dataset.classes), settings.model_dump_json(),
                   evidence.stamp(dataset))


def panel(dataset: Dataset, settings: DataSettings) -> None:
    """The findings, the most severe first, and the way to more of them."""
    changing.news()
    found = report(dataset, settings)
    findings = [one for one in found.findings if one.kind not in _ELSEWHERE]
    st.subheader("Health", anchor=False, help="What may be wrong with the pictures. Nothing is changed unless you say "
                 "so, and every change can be undone.")
    changing.bar(dataset)
    _learned(dataset)
    for number, finding in enumerate(findings):
        _finding(dataset, finding, f"{dataset.id}-{finding.kind}-{number}")
    _thorough(dataset, found, bool(findings))


@st.cache_data(max_entries=16, show_spinner=False)
def _score(path: str, fingerprint: str, stamp: int) -> float | None:
    from pathlib import Path

    return probe.score(Dataset.load(Path(path)))


def _learned(dataset: Dataset) -> None:
    """How well the pictures can be told apart, and what the last change did to it."""
    now = _score(str(dataset.path), dataset.fingerprint, evidence.stamp(dataset))
    if now is None:
        return
    last = state.get(_PROBE)
    if last is None or last["dataset"] != dataset.id:
        last = {"dataset": dataset.id, "fingerprint": dataset.fingerprint, "now": now, "before": None}
    elif last["fingerprint"] != dataset.fingerprint:
        last = {"dataset": dataset.id, "fingerprint": dataset.fingerprint, "now": now, "before": last["now"]}
    state.put(_PROBE, last)
    change = ""
    if last["before"] is not None:
        colour = "green" if now > last["before"] else "orange" if now < last["before"] else "gray"
        change = f" :{colour}[(before the last change {last['before']:.1%})]"
    st.markdown(f"A quick classifier gives **{now:.1%}** of the pictures the class of their label{change}",
                help="A linear classifier on what the backbone makes of the pictures; each picture is judged by one "
                     "that has not seen it. It takes a moment, so every change shows at once. The score of a training "
                     "is the one that counts.")


def _finding(dataset: Dataset, finding: Finding, key: str) -> None:
    text = f"{_ICONS[finding.severity]} {escape.markdown(finding.message)}"
    if not finding.paths:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(text, width="stretch")
            _mends(dataset, finding, key)
        return
    with st.expander(text, key=f"finding-{key}", on_change="rerun") as shown:
        if shown.open:
            _mends(dataset, finding, key)
            st.fragment(_pictures)(dataset, finding, key)


def _mends(dataset: Dataset, finding: Finding, key: str) -> None:
    if not finding.mends:
        return
    with st.container(horizontal=True):
        for number, mend in enumerate(finding.mends):
            st.button(escape.markdown(mend.text), key=f"mend-{key}-{number}", icon=":material/healing:",
                      on_click=changing.carry_out, args=(dataset.id, mend))


@errors.guarded
def _pictures(dataset: Dataset, finding: Finding, key: str) -> None:
    """The pictures concerned, those that belong together side by side."""
    changing.redraw_if_edited(dataset)
    rows = dataset.manifest.drop_duplicates("path").set_index("path", drop=False)
    paths = [path for group in finding.groups for path in group] if finding.groups else list(finding.paths)
    paths = [path for path in paths if path in rows.index]
    number = {path: place + 1 for place, group in enumerate(finding.groups) for path in group}
    more = {str(detail["path"]): detail for detail in finding.details}

    def tiles(start: int, end: int) -> list[Any]:
        return [tile(dataset, rows.loc[path], *_words(rows.loc[path], number.get(path), more.get(path)))
                for path in paths[start:end]]

    opened = gallery.paged(len(paths), PER_PAGE, f"finding-{key}-{len(paths)}", tiles)
    if opened is not None:
        viewer.open_at(dataset, paths, paths.index(opened), lambda path: _suggestion(dataset, more.get(path)))


def _words(row: Any, group: int | None, detail: Mapping[str, Any] | None) -> tuple[str, str]:
    if detail is not None:
        return str(detail["suggested"]), f"{detail['probability']:.0%} · labelled {detail['given']}"
    name = str(row["path"]).rsplit("/", 1)[-1]
    return (f"{group}" if group else ""), f"{row['class']} · {name}"


def _suggestion(dataset: Dataset, detail: Mapping[str, Any] | None) -> None:
    if detail is None:
        return
    rows = Dataset.open(state.workspace(), dataset.id).manifest
    if not ((rows["path"] == detail["path"]) & (rows["class"] == detail["given"]) & (rows["status"] == "ok")).any():
        return  # somebody has looked at it
    st.caption(f"A model that had not seen it gives {detail['probability']:.0%} to "
               f"**{escape.markdown(str(detail['suggested']))}**.")
    st.button(f"Move to {escape.markdown(str(detail['suggested']))}", key="viewer-suggested", type="primary",
              icon=":material/healing:", on_click=changing.edit, args=(dataset.id, "relabel"),
              kwargs={"paths": [detail["path"]], "label": detail["suggested"]})


def _thorough(dataset: Dataset, found: Report, any_found: bool) -> None:
    """The thorough check: offered, going on, or done."""
    workspace = state.workspace()
    job = checking.latest(workspace)
    if job is not None and job.status().active:
        if checking.checks(job, dataset):
            state.put(_FOLLOWED, job.id)
            job_progress.follow(job, checking.latest, "check")
        else:
            st.caption("Another dataset is being checked; this one can be checked after it.")
        return
    done = found.checks == "all"
    current = _up_to_date(str(dataset.path), dataset.fingerprint, evidence.stamp(dataset))
    if not any_found:
        st.success("Nothing was found." if done else "Nothing was found by the quick checks.",
                   icon=":material/verified:")
    for line in found.left_out:
        st.caption(escape.markdown(line))
    with st.container(horizontal=True, vertical_alignment="center"):
        label = "Check thoroughly" if not done else "Check again"
        st.button(label, key=f"check-{dataset.id}", icon=":material/troubleshoot:", on_click=_start,
                  args=(dataset.id,), type="tertiary" if done and current else "secondary")
        st.caption(_about(dataset, done, current), width="stretch")
    if job is not None and state.get(_FOLLOWED) == job.id:
        job_progress.ended(job, "The check was ended from outside. What was known before is kept.")


@st.cache_data(max_entries=16, show_spinner=False)
def _up_to_date(path: str, fingerprint: str, stamp: int) -> bool:
    from pathlib import Path

    return checking.up_to_date(Dataset.load(Path(path)))


def _about(dataset: Dataset, done: bool, current: bool) -> str:
    if done and current:
        return "All pictures were compared. Labels and split may change: what is found follows them."
    if done:
        return "Pictures came or went since the last thorough check: some were not compared."
    try:
        takes = f" Takes about {wording.duration(checking.about_seconds(dataset, state.workspace()))}."
    except GraftError:
        takes = ""
    return ("Looks for near-copies, wrong labels, outliers, blurred pictures and shortcuts that give the class away."
            + takes)


@errors.guarded
def _start(dataset_id: str) -> None:
    workspace = state.workspace()
    checking.start(Dataset.open(workspace, dataset_id), workspace)
