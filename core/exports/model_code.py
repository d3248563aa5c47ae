"""The Keras code of a recipe's model: readable, complete, and free of Graft."""

from __future__ import annotations

from collections.abc import Iterator

from core.backbones import lite0
from core.backbones.catalogue import Backbone, Variant, get
from core.backbones.freezing import cut, frozen_layers
from core.backbones.graph import Graph, members
from core.backbones.layers import OPERATION
from core.exports import own_weights_code
from core.exports.source_text import source_text
from core.recipe.fields import HiddenLayer, ModelSettings, Phase, Recipe

OWN = {"SmallNet": "core.engine.model.small_net", "EfficientNetLite0": "core.engine.model.efficientnet_lite"}
"""Backbones that `keras.applications` does not have, and the module whose text builds them."""
_SCALING = {
    "tf": "layers.Rescaling(1 / 127.5, -1.0)({})  # to -1..1",
    "caffe": "layers.Rescaling(1.0, [-103.939, -116.779, -123.68])(keras.ops.flip({}, -1))  # BGR without its mean",
    "torch": "layers.Rescaling([1 / (255 * s) for s in (0.229, 0.224, 0.225)],\n"
             "                          [-m / s for m, s in zip((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])({})",
    "lite": "layers.Rescaling(1 / 128, -127 / 128)({})  # about -1..1",
}
_POOLING = {
    "average": ('layers.GlobalAveragePooling2D(name="head_pool")(features)',),
    "max": ('layers.GlobalMaxPooling2D(name="head_pool")(features)',),
    "both": ('layers.Concatenate(name="head_pool")([layers.GlobalAveragePooling2D(name="head_average")(features),',
             '                                         layers.GlobalMaxPooling2D(name="head_max")(features)])'),
    "flatten": ('layers.Flatten(name="head_pool")(features)',),
}
_MOMENTUM = "momentum=0.9"


def model_code(recipe: Recipe, classes: int) -> str:
    """Python that builds the model of a recipe, and one function a phase that freezes it as the phase does.

    What it defines: `model`, from raw RGB 0..255 [n, size, size, 3] to probabilities, and `freeze_for_NAME(model)`.

    Args:
        classes: Number of classes.

    Raises:
        RecipeError: unknown backbone, width, layer or block.
    """
    settings = recipe.model
    backbone, variant = get(settings.backbone, settings.alpha)
    size = recipe.data.image_size or backbone.default_size
    imports, constructor = source_text(OWN[backbone.name]) if backbone.name in OWN else ([], "")
    if backbone.name in OWN and settings.weights == "imagenet":
        imports = ["import os", *imports]
    if settings.own_weights:
        imports = [*imports, *own_weights_code.imports(settings)]
    lines = [*imports, *([""] if imports else []), "import keras", "from keras import layers"]
    if constructor:
        lines += ["", "", constructor, ""]
    lines += ["", f"keras.utils.set_random_seed({recipe.train.seed})", "",
              f'image = keras.Input(({size}, {size}, 3), name="image")  # RGB, 0..255']
    lines += [*_backbone(settings, backbone, variant), *_head(settings, classes, recipe.train.seed)]
    lines += ['model = keras.Model(image, probabilities, name="graft")', ""]
    for index, phase in enumerate(recipe.train.phases):
        lines += ["", *_freezing(recipe, variant, phase, index)]
    return "\n".join(lines) + "\n"


def _backbone(settings: ModelSettings, backbone: Backbone, variant: Variant) -> Iterator[str]:
    source = "image"
    if settings.upsample is not None:
        yield (f'pixels = layers.UpSampling2D({settings.upsample}, interpolation="{settings.upsample_method}", '
               f'name="enlarge")(image)')
        source = "pixels"
    if backbone.preprocessing != "inside":
        yield f"pixels = {_SCALING[backbone.preprocessing].format(source)}"
        source = "pixels"
    start = '"imagenet"' if settings.weights == "imagenet" and backbone.name not in OWN else "None"
    options = ["include_top=False", f"weights={start}", f"input_tensor={source}"]
    if variant.alpha is not None:
        options.append(f"alpha={variant.alpha:g}")
    owner = "" if backbone.name in OWN else "keras.applications."
    yield f"backbone = {owner}{backbone.name}({', '.join(options)})"
    if settings.weights == "imagenet" and backbone.name in OWN:
        yield f"# {lite0.PACKAGE} brings these weights; Graft turns them into this file when it first trains with them."
        yield "# Where $GRAFT_WEIGHTS_DIR has a file of that name, Graft takes that one."
        yield 'folder = os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")'
        yield f'backbone.load_weights(os.path.join(folder, "models", "{variant.weights_file}"))'
    elif settings.weights == "none":
        yield "for layer in backbone.layers:  # from random weights, statistics have to follow quickly"
        yield "    if isinstance(layer, layers.BatchNormalization):"
        yield "        layer.momentum = 0.9"
    output = "backbone.output" if settings.cut_layer is None else f'backbone.get_layer("{settings.cut_layer}").output'
    yield f"features = {output}"
    yield ""
    if settings.own_weights:
        yield from own_weights_code.loading(settings)


def _head(settings: ModelSettings, classes: int, seed: int) -> Iterator[str]:
    first, *rest = _POOLING[settings.pooling]
    yield f"x = {first}"
    yield from rest
    if settings.norm_features:
        yield f'x = layers.BatchNormalization(name="head_norm", {_MOMENTUM})(x)'
    for index, hidden in enumerate(settings.hidden):
        yield from _hidden(hidden, f"hidden_{index}", seed + index + 1)
    if settings.dropout:
        yield f'x = layers.Dropout({settings.dropout:g}, name="head_dropout", seed={seed})(x)'
    units, activation = (1, "sigmoid") if settings.output == "sigmoid" else (classes, "softmax")
    yield f'probabilities = layers.Dense({units}, activation="{activation}", name="predictions")(x)'


def _hidden(hidden: HiddenLayer, name: str, seed: int) -> Iterator[str]:
    options = [f"{hidden.units}", f'name="{name}"']
    if hidden.batch_norm == "before":
        options.append("use_bias=False")
    if hidden.initializer != "glorot_uniform":
        kind = "".join(part.capitalize() for part in hidden.initializer.split("_"))
        options.append(f"kernel_initializer=keras.initializers.{kind}(seed={seed})")
    if hidden.l2:
        options.append(f"kernel_regularizer=keras.regularizers.L2({hidden.l2:g})")
    norm = f'x = layers.BatchNormalization(name="{name}_norm", {_MOMENTUM})(x)'
    yield f"x = layers.Dense({', '.join(options)})(x)"
    if hidden.batch_norm == "before":
        yield norm
    yield f'x = layers.Activation("{hidden.activation}", name="{name}_activation")(x)'
    if hidden.batch_norm == "after":
        yield norm
    if hidden.dropout:
        yield f'x = layers.Dropout({hidden.dropout:g}, name="{name}_dropout", seed={seed})(x)'


def _freezing(recipe: Recipe, variant: Variant, phase: Phase, index: int) -> Iterator[str]:
    graph = cut(variant.graph, recipe.model.cut_layer)
    ends = _last_frozen(graph, frozen_layers(graph, phase.freeze, variant.graph))
    name = "".join(char if char.isalnum() and char.isascii() else "_" for char in phase.name.lower())
    number = f"_{index + 1}" if len(recipe.train.phases) > 1 else ""
    keeps_statistics = not recipe.model.trains_batch_norm
    yield f"def freeze_for_{name}{number}(model):"
    point = "the ends named here" if len(ends) > 1 else "".join(ends)
    what = f"Everything up to {point} stays as it is." if ends else "Nothing is frozen."
    yield f'    """{what}{" So do the statistics of batch normalisation." if keeps_statistics else ""}"""'
    if len(ends) > 1:
        yield "    ends = [model.get_layer(name).output for name in ("
        yield from (f'        "{end}",' for end in ends)
        yield "    )]"
    output = "ends" if len(ends) > 1 else f'model.get_layer("{ends[0]}").output' if ends else ""
    frozen = f"{{layer.name for layer in keras.Model(model.input, {output}).layers}}" if ends else "set()"
    yield f"    frozen = {frozen}"
    if keeps_statistics:
        yield "    inside = {layer.name for layer in keras.Model(model.input, features).layers}"
    yield "    for layer in model.layers:"
    yield "        layer.trainable = layer.name not in frozen" + (
        " and not (layer.name in inside and isinstance(layer, layers.BatchNormalization))" if keeps_statistics else "")
    yield ""


def _last_frozen(graph: Graph, frozen: int) -> list[str]:
    """The layers behind which the frozen ones end: with all that they depend on they are the whole set."""
    waiting = [index for index in members(frozen) if not graph.readers[index] & frozen]
    ends = set()
    while waiting:
        index = waiting.pop()
        if graph.layers[index].kind == OPERATION:  # it has no weights, and in Keras a name of its own
            waiting += [fed_by for fed_by in graph.layers[index].inputs if fed_by >= 0]
        else:
            ends.add(index)
    return list(graph.named(sorted(ends)))
