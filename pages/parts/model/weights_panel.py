"""From which weights the backbone starts: ImageNet's, random ones, a file of the user's, or a finished run."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from core import escape
from core.backbones import comparison, kept_files, weights
from core.backbones.catalogue import Backbone, Variant, get
from core.backbones.comparison import Comparison, Found
from core.backbones.weight_files import SUFFIXES
from core.data.dataset import Dataset
from core.errors import GraftError
from core.recipe import proposals
from core.recipe.fields import Recipe
from core.runs.index import list_runs
from core.runs.run import Run
from pages.parts.app import connection
from pages.parts.model.proposals import obtainable, reason
from pages.parts.session import state
from pages.parts.widgets import errors, wording
from pages.parts.widgets.keys import key_for

_SOURCES = {"imagenet": "Pretrained (ImageNet)", "none": "Random", "file": "A file of mine", "run": "A finished run"}
_SOURCE, _FILE = "weights-source", "weights-file"
"""What is being set up while the recipe still has other weights; the uploaded file and what its owner calls it."""
_RESULTS = {"loaded": "loaded", "missing": "missing: random", "mismatched": "does not fit", "unused": "not used"}


def source(recipe: Recipe, dataset: Dataset) -> None:
    """The choice among the sources, and what each needs to be told."""
    _, variant = get(recipe.model.backbone, recipe.model.alpha)
    now = _source(recipe)
    runs = _finished(recipe)
    offered = [*(["imagenet"] if variant.pretrained else []), "none", "file", *(["run"] if runs else [])]
    if now not in offered:
        offered.append(now)
    key = key_for("weights", now)
    st.segmented_control(
        "Starting weights", offered, default=now, key=key, required=True, on_change=_choose, args=(key,), wrap=True,
        format_func=_SOURCES.__getitem__,
        help="Pretrained: learned on 1.3 million photos, nearly always better. Random: learns from your pictures "
             "alone; everything is trained. A file: weights that Keras saved. A run: the backbone as trained there.")
    if now == "file":
        _file(recipe)
    elif now == "run":
        _run(recipe, runs)
    if now in ("imagenet", "none") or recipe.model.own_weights:
        weights_notice(recipe, dataset)


def follow_recipe() -> None:
    """A whole recipe was taken: what was being chosen here before is no more."""
    state.put(_SOURCE, None)
    state.put(_FILE, None)


def _source(recipe: Recipe) -> str:
    if (pending := state.get(_SOURCE)) is not None:
        return str(pending)
    if not recipe.model.own_weights:
        return recipe.model.weights
    return "run" if _run_id(recipe) else "file"


def _run_id(recipe: Recipe) -> str | None:
    """The run of this workspace that the recipe's weights are of."""
    path = Path(recipe.model.weights)
    return path.name if recipe.model.own_weights and state.find_run(path.name) is not None else None


def _choose(key: str) -> None:
    chosen, recipe = st.session_state[key], state.recipe() or Recipe()
    pending = chosen in ("file", "run")
    state.put(_SOURCE, chosen if pending else None)
    if not pending:
        state.put(_FILE, None)
        state.set_recipe(proposals.with_weights(recipe.override(["model.weights_match=name"]), chosen))


def _file(recipe: Recipe) -> None:
    """Upload, the table of its layers, and the decision."""
    upload = st.file_uploader("Weights file", type=[ending.lstrip(".") for ending in SUFFIXES], key="weights-upload",
                              help="As Keras saves it: .h5, .weights.h5 or .keras, with or without a classifier. Only "
                                   "its numbers are read.")
    with errors.shown():
        if upload is not None and (state.get(_FILE) or ("", "", ""))[2] != upload.file_id:
            kept = kept_files.keep(upload, upload.name, state.workspace())
            state.put(_FILE, (str(kept), upload.name, upload.file_id))
        held = state.get(_FILE) or _from_before(recipe)
        if held is None:
            return
        path, name, _ = held
        try:
            found = _compared(recipe, Path(path))
        except GraftError as error:
            raise errors.renamed(error, Path(path).name, name) from error
        _decide(recipe, path, found)


def _from_before(recipe: Recipe) -> tuple[str, str, str] | None:
    """The file that the recipe names already, as after a reload."""
    path = weights.find_own(recipe.model.weights) if recipe.model.own_weights else None
    return (str(path), path.name, "") if path is not None else None


def _compared(recipe: Recipe, path: Path) -> Comparison:
    with st.spinner("Comparing the file's layers with the backbone's. This takes some seconds.", show_time=True):
        return comparison.compare(recipe, path, state.workspace().machine)


def _decide(recipe: Recipe, path: str, found: Comparison) -> None:
    """What the file has for the backbone, and the ways to use it."""
    chosen = recipe.model.weights_match if recipe.model.weights == path else None
    named, ordered = found.by_name, found.by_order
    shown = ordered if chosen == "order" else named
    _say(shown, recipe)
    with st.container(horizontal=True):
        if named.complete:
            _offer("Use this file", path, "name", chosen, True)
        elif named.partly:
            _offer(f"Use the {named.loaded} layers that fit", path, "partial", chosen, True)
        if not named.complete and ordered.loaded > named.loaded:
            _offer(f"Match by order and shape ({ordered.loaded} layers)", path, "order", chosen, False)
    _table(shown)
    if not named.loaded and not ordered.loaded:
        st.caption("Or choose the backbone and the width that the file was made with.")


def _offer(label: str, path: str, how: str, chosen: str | None, best: bool) -> None:
    st.button(label, key=f"weights-use-{how}", disabled=chosen == how, on_click=_use, args=(path, how),
              icon=":material/check:" if chosen == how else None,
              help=None if best else "Layers of another name are taken by their place and shape. Only where you know "
                                     "that the file is of the same network.")


def _use(path: str, how: str) -> None:
    recipe = state.recipe() or Recipe()
    state.set_recipe(proposals.with_weights(recipe, path).override([f"model.weights_match={how}"]))


def _say(found: Found, recipe: Recipe, where: str = "the file") -> None:
    wanted = found.loaded + found.missing + found.mismatched
    text = f"**{found.loaded} of {wanted}** layers of {recipe.model.backbone} are in {where}"
    if found.missing:
        text += f" · {found.missing} missing"
    if found.mismatched:
        text += f" · {found.mismatched} of another shape"
    if found.unused:
        text += f" · {wording.count(found.unused, 'layer')} of {where} not used"
    st.markdown(text)
    row = next((row for row in found.table if row["result"] == "mismatched"), None)
    if row is not None:
        st.warning(f"The layer {row['layer']} has the shapes {row['found']} in the file, and {row['wanted']} in "
                   f"{recipe.model.backbone}. Choose the backbone and the width that the file was made with.",
                   icon=":material/warning:")


def _table(found: Found) -> None:
    frame = pd.DataFrame(found.table)
    frame["result"] = frame["result"].map(_RESULTS)
    for column in ("layer", "in_file"):  # names in a file are anybody's
        frame[column] = frame[column].map(escape.visible)
    with st.expander("Layers, one by one", expanded=not found.complete):
        st.dataframe(frame, hide_index=True, height=35 * (min(len(frame), 8) + 1) + 3, column_config={
            "layer": "Layer", "result": "Result", "in_file": "In the file", "wanted": "Shapes wanted",
            "found": "Shapes in the file"})


def _run(recipe: Recipe, runs: list[Run]) -> None:
    """The finished runs with the same backbone; of the one that is taken, what it has for the backbone."""
    found = {run.id: run for run in runs}
    now = _run_id(recipe)
    key = key_for("weights-run", now if now in found else None)
    st.selectbox("Run", list(found), list(found).index(now) if now in found else None, key=key, on_change=_take_run,
                 args=(key,), format_func=lambda item: escape.visible(wording.run_option(found[item])),
                 placeholder="Choose a run with this backbone",
                 help="The backbone starts as it was trained there; the head is new, for your classes.")
    if not found:
        st.caption("No run with this backbone has been completed.")
    if now is not None and (model := weights.find_own(recipe.model.weights)) is not None:
        with errors.shown():
            compared = _compared(recipe, model).by_name
            _say(compared, recipe, "the run")
            _table(compared)


def _take_run(key: str) -> None:
    run = state.find_run(st.session_state[key])
    if run is not None:
        recipe = proposals.with_weights(state.recipe() or Recipe(), str(run.path))
        cut = run.recipe.model.cut_layer  # what was cut off there has no weights to give
        how = "name" if cut in (None, recipe.model.cut_layer) else "partial"
        state.set_recipe(recipe.override([f"model.weights_match={how}"]))


def _finished(recipe: Recipe) -> list[Run]:
    """Completed runs with the recipe's backbone and width, newest first."""
    wanted = get(recipe.model.backbone, recipe.model.alpha)[1]
    return [run for run in list_runs(state.workspace())
            if run.has_model and run.status().state == "completed" and _variant(run) == wanted]


def _variant(run: Run) -> Variant | None:
    try:
        return get(run.recipe.model.backbone, run.recipe.model.alpha)[1]
    except GraftError:  # made by another version
        return None


def _own_name(recipe: Recipe) -> str:
    if (run_id := _run_id(recipe)) is not None and (run := state.find_run(run_id)) is not None:
        return f"from {escape.markdown(wording.run_name(run))}"
    held = state.get(_FILE)
    name = held[1] if held and held[0] == recipe.model.weights else Path(recipe.model.weights).name
    return f"from {escape.markdown(name)}"


def weights_notice(recipe: Recipe, dataset: Dataset) -> None:
    """Where the starting weights come from; when they cannot be had, the ways out."""
    backbone, variant = get(recipe.model.backbone, recipe.model.alpha)
    if recipe.model.own_weights:
        here = obtainable(recipe)
        st.badge(_own_name(recipe) + ("" if here else ", not here yet"), color="green" if here else "orange",
                 icon=":material/check:" if here else ":material/upload_file:")
        return
    if recipe.model.weights == "none":
        st.badge("random weights", icon=":material/casino:", color="orange")
        _why_random(recipe, dataset)
        return
    if weights.find(backbone, variant):
        st.badge("weights on this machine", icon=":material/check:", color="green")
        return
    if connection.can_download():
        st.badge(f"weights are downloaded at the start ({variant.size_mb:.0f} MB)", icon=":material/download:")
        return
    _missing(backbone, variant, recipe, dataset)


def _why_random(recipe: Recipe, dataset: Dataset) -> None:
    """Where pretrained weights cannot be had: say so, and what would help."""
    here = proposals.weights_here()
    if not (text := reason(recipe, dataset)):
        return
    if here is None:
        _, variant = get(Recipe().model.backbone, Recipe().model.alpha)
        text += (f"\n\nTo have them, connect this machine to the internet, or place the file `{variant.weights_file}` "
                 "into `~/.keras/models` or the folder named by `GRAFT_WEIGHTS_DIR`.")
    st.info(text, icon=":material/info:")
    if here is not None and st.button(f"Use {_named(*here)}, which is here"):
        state.set_recipe(proposals.with_backbone(proposals.without_small_network(recipe), *here))
        st.rerun()


def _missing(backbone: Backbone, variant: Variant, recipe: Recipe, dataset: Dataset) -> None:
    here = proposals.weights_here()
    body = (f"Connect this machine to the internet, or place the file `{variant.weights_file}` into "
            "`~/.keras/models` or the folder named by `GRAFT_WEIGHTS_DIR`, or go on without it:")
    st.warning(body, title=f"The pretrained weights of {_named(backbone, variant)} are not here",
               icon=":material/cloud_off:")
    with st.container(horizontal=True):
        if here is not None:
            if st.button(f"Use {_named(*here)}, which is here"):
                state.set_recipe(proposals.with_backbone(recipe, *here))
                st.rerun()
        if st.button("Use the small network",
                     help="A small backbone with random weights, everything trained. Needs no download."):
            state.set_recipe(proposals.small_network(dataset, recipe))
            st.rerun()


def _named(backbone: Backbone, variant: Variant) -> str:
    """With the width where there are several: the weights of one may be here, those of another not."""
    return backbone.title if variant.alpha is None else f"{backbone.title} {variant.alpha:g}"
