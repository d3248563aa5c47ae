"""The Keras code that gives a backbone the weights of a user's file or run, by the names of their layers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from core.backbones.weight_files import SUFFIXES
from core.recipe.fields import ModelSettings

_OF_A_MODEL = '''
def layers_within(model):
    """All layers, also those of a model inside the model."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from layers_within(layer)
        else:
            yield layer


given = {layer.name: layer.get_weights() for layer in layers_within(keras.models.load_model(PATH, compile=False))}
'''
_OF_A_FILE = '''given = {}  # weights by the names of their layers, also those of a model inside the model


def look(place, group):
    """What a group of a file of Keras 2 (`weight_names`) or 3 (`vars`) holds."""
    if not isinstance(group, h5py.Group) or "optimizer" in place:
        return
    names = [name.decode() if isinstance(name, bytes) else name
             for key in group.attrs if key.startswith("weight_names") for name in group.attrs[key]]
    owners = [name.split("/")[-2] if "/" in name else place.split("/")[-1] for name in names]
    for name, owner in zip(names, owners if len(set(owners)) > 1 else [place.split("/")[-1]] * len(names)):
        given.setdefault(owner, []).append(group[name][()])
    if place.endswith("vars") and "name" in group.attrs:
        given.setdefault(group.attrs["name"], [group[key][()] for key in sorted(group, key=int)])


with h5py.File(PATH) as file:
    file.visititems(look)
'''


def imports(settings: ModelSettings) -> list[str]:
    """What the code needs besides Keras."""
    return ["import h5py"] if _reads_a_file(settings) else []


def loading(settings: ModelSettings) -> Iterator[str]:
    """Lines that load `model.weights` into the layers from `backbone.input` to `features`; where layers were matched by
    order, which needs more than a few lines, a comment that says where the weights are."""
    if settings.weights_match == "order":
        yield f"# The layers of {settings.weights!r} have other names: Graft matched them by order and shape, which is"
        yield "# not repeated here. As it stands the backbone starts from random weights. The model.keras that Graft"
        yield "# exports has the trained ones: keras.models.load_model(\"model.keras\")."
        return
    if _reads_a_file(settings):
        yield from _OF_A_FILE.replace("PATH", repr(settings.weights)).splitlines()
    else:
        if Path(settings.weights).suffix not in SUFFIXES:
            yield "# The model of a run: model.keras in its folder, or as it is exported."
        yield from _OF_A_MODEL.replace("PATH", repr(_model_file(settings.weights))).splitlines()
    yield "for layer in keras.Model(backbone.input, features).layers:"
    partial = " and layer.name in given  # the others start from random weights" if (
        settings.weights_match == "partial") else ""
    condition, _, why = partial.partition("  #")
    yield f"    if layer.weights{condition}:" + (f"  #{why}" if why else "")
    yield "        layer.set_weights(given[layer.name])"
    yield "        if isinstance(layer, layers.Normalization):"
    yield "            layer.finalize_state()  # it works with figures that it derives from its weights"
    yield ""


def _reads_a_file(settings: ModelSettings) -> bool:
    return settings.weights_match != "order" and Path(settings.weights).suffix in SUFFIXES and not (
        settings.weights.endswith(".keras"))


def _model_file(text: str) -> str:
    return text if text.endswith(".keras") else f"{text.rstrip('/')}/model.keras"
