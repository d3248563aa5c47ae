"""The viewer: one picture of a list, large, with what is known of it, and the way to the next one."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from core import escape
from core.backbones import catalogue
from core.data.dataset import Dataset
from core.data.images.decode import decode
from core.data.images.thumbnails import PREVIEW_EDGE, thumbnail
from core.data.manifest import EXCLUDED
from core.errors import DataError, GraftError
from pages.parts.data import changing, splits
from pages.parts.session import state
from pages.parts.widgets import charts, errors, wording

_PLACE = "viewer-place"
_STYLE = """<style>
.graft-view{height:min(64vh,760px);display:flex;align-items:center;justify-content:center;border-radius:10px;
  background:rgba(128,140,134,.10)}
.graft-view img{width:100%;height:100%;object-fit:contain;display:block}
.graft-view img.tiny{max-width:320px;image-rendering:pixelated}
.graft-view p{opacity:.75;padding:1rem;text-align:center}
@media (max-width:640px){.graft-view{height:44vh}}
</style>"""
_LISTED = 9
"""Classes that have a button of their own, and a number key."""
_RESIZED = {"crop": "the middle cut out", "pad": "with a white border", "squash": "proportions changed"}
_TINY = 64
"""Pictures whose longer side has no more pixels than this are shown enlarged."""

More = Callable[[str], None]
"""Draws what else is known of the picture with this path."""


def open_at(dataset: Dataset, paths: Sequence[str], index: int, more: More | None = None) -> None:
    """Open the viewer on a list of images.

    Args:
        paths: As in the manifest.
        index: Of the one to begin with.
        more: Called below the facts.
    """
    state.put(_PLACE, index)
    st.dialog("Picture", width="large", on_dismiss="rerun")(_viewer)(dataset, list(paths), more)


@errors.guarded
def _viewer(dataset: Dataset, paths: list[str], more: More | None) -> None:
    changing.news()
    dataset = Dataset.open(state.workspace(), dataset.id)  # it may have been edited meanwhile
    place = max(0, min(state.get(_PLACE, 0), len(paths) - 1))
    rows = dataset.manifest[dataset.manifest["path"] == paths[place]]
    left, right = st.columns([13, 7], gap="medium")
    with left:
        if rows.empty:
            st.html(f'{_STYLE}<div class="graft-view"><p>This picture is no longer in the dataset.</p></div>')
        else:
            _picture(dataset, rows.iloc[0].to_dict())
        _steps(place, len(paths))
    if not rows.empty:
        with right:
            _facts(dataset, rows.iloc[0].to_dict())
            _changes(dataset, rows.iloc[0].to_dict())
            _as_the_model_sees_it(dataset, rows.iloc[0].to_dict())
            if more is not None:
                more(paths[place])


def _picture(dataset: Dataset, row: Mapping[str, Any]) -> None:
    try:
        image = thumbnail(dataset, row["file"], PREVIEW_EDGE, dataset.max_pixels)
    except (GraftError, OSError) as error:
        reason = row["reason"] or getattr(error, "message", "its file cannot be read")
        st.html(f'{_STYLE}<div class="graft-view"><p>It cannot be shown: {escape.html(reason)}.</p></div>')
        return
    tiny = ' class="tiny"' if max(row["width"], row["height"]) <= _TINY else ""
    source = "data:image/jpeg;base64," + base64.b64encode(image).decode()
    st.html(f'{_STYLE}<div class="graft-view"><img{tiny} src="{source}" alt="{escape.html(_name(row))}"></div>')


def _as_the_model_sees_it(dataset: Dataset, row: Mapping[str, Any]) -> None:
    """The square that the picture is brought to before the backbone gets it."""
    recipe = state.recipe()
    if recipe is None or row["status"] != "ok":
        return
    size = recipe.data.image_size or catalogue.get(recipe.model.backbone, recipe.model.alpha)[0].default_size
    try:
        image = thumbnail(dataset, row["file"], PREVIEW_EDGE, dataset.max_pixels)
        square = decode(image, size, recipe.data.resize)
    except (GraftError, OSError):
        return
    st.caption(f"As the model sees it: {size} × {size} pixels, {_RESIZED[recipe.data.resize]}")
    st.image(square, width=min(size, 160))


def _steps(place: int, total: int) -> None:
    if total == 1:
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.button("Previous", icon=":material/chevron_left:", shortcut="Left", disabled=place == 0,
                  key="viewer-previous", on_click=state.put, args=(_PLACE, place - 1))
        st.caption(f"{place + 1:,} of {total:,}", width="content")
        st.button("Next", icon=":material/chevron_right:", shortcut="Right", disabled=place == total - 1,
                  key="viewer-next", on_click=state.put, args=(_PLACE, place + 1))


def _facts(dataset: Dataset, row: Mapping[str, Any]) -> None:
    st.markdown(f"**{escape.markdown(_name(row))}**")
    facts = {"Class": row["class"], "Split": _split_of(dataset, row)}
    if row["width"]:
        facts["Size"] = f"{row['width']:,} × {row['height']:,} px"
    facts["File"] = wording.size(row["bytes"])
    if "/" in row["path"]:
        facts["Folder"] = row["path"].rsplit("/", 1)[0]
    if row["status"] != "ok":
        facts["Why"] = row["reason"]
    st.table({"": list(facts), " ": [escape.markdown(str(text)) for text in facts.values()]}, border="horizontal",
             hide_index=True, hide_header=True)


def _changes(dataset: Dataset, row: Mapping[str, Any]) -> None:
    """Another class, by button, number key or list; leaving the picture out, or bringing it back; undo."""
    path, left_out = str(row["path"]), row["status"] == EXCLUDED
    if row["status"] == "ok":
        others = [label for label in dataset.classes if label != row["class"]]
        st.caption("Move to another class" if len(others) > _LISTED else "Move to another class, by its number key too")
        with st.container(horizontal=True, gap="small"):
            for label in others[:_LISTED] if len(dataset.classes) <= _LISTED else ():
                number = dataset.classes.index(label) + 1
                st.button(escape.markdown(label), key=f"viewer-to-{number}", shortcut=str(number),
                          on_click=changing.edit, args=(dataset.id, "relabel"),
                          kwargs={"paths": [path], "label": label})
        key = f"viewer-other-{path}-{len(dataset.edits)}"  # empty again after a change: else *Undo* would be undone
        st.selectbox("Another class", others, index=None, format_func=escape.visible, accept_new_options=True,
                     placeholder="Choose, or type a new class", label_visibility="collapsed", key=key,
                     on_change=_chosen, args=(dataset.id, path, key))
    with st.container(horizontal=True):
        if row["status"] == "ok" or left_out:
            st.button("Bring it back" if left_out else "Leave out", key="viewer-leave-out", shortcut="Delete",
                      icon=":material/restore_from_trash:" if left_out else ":material/delete:",
                      on_click=changing.edit, args=(dataset.id, "restore" if left_out else "exclude"),
                      kwargs={"paths": [path]})
        changing.buttons(dataset, "viewer", shortcuts=True)


def _chosen(dataset_id: str, path: str, key: str) -> None:
    if label := st.session_state[key]:
        changing.edit(dataset_id, "relabel", paths=[path], label=label)


def _split_of(dataset: Dataset, row: Mapping[str, Any]) -> str:
    """The split that the image is in, by the settings of the page."""
    if row["status"] != "ok":
        return "left out"
    recipe = state.recipe()
    try:
        table = splits.split(dataset, recipe.data) if recipe is not None else splits.folders(dataset)
    except DataError:
        table = splits.folders(dataset)
    found = table.loc[table["path"] == row["path"], "split"]
    return charts.NAMES[found.iloc[0]] if len(found) else "none"


def _name(row: Mapping[str, Any]) -> str:
    return str(row["path"]).rsplit("/", 1)[-1]
