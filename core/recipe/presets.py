"""Complete recipes under a name: what well-known courses and papers train, every setting of it.

A row gives the settings that differ from the defaults. What its source does in a way that has no setting here, or does
without saying so, stands in `differs`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.errors import RecipeError
from core.recipe.fields import Recipe

CONSTANT = {"schedule": "constant"}
_TWO_LAYERS = [{"units": 1024}, {"units": 512}]


@dataclass(frozen=True)
class Preset:
    """A recipe with a name."""

    id: str
    title: str
    about: str
    """What it does, in a sentence."""
    source: str
    """Where it is from."""
    needs: str
    """What kind of data it is for, and what else has to be at hand."""
    settings: dict[str, Any]
    """The parts of the recipe that are not as by default."""
    differs: str = field(default="")

    @property
    def recipe(self) -> Recipe:
        """The complete recipe."""
        return Recipe.parse(self.settings)


def _one_phase(**phase: Any) -> tuple[dict[str, Any], ...]:
    return ({**CONSTANT, **phase},)


_ROWS = (
    Preset(
        "flowers-resnet50-flatten", "ResNet50, all features, two large layers",
        "Keeps every number of ResNet50's feature map and learns two large layers on them: 208 million weights.",
        "Courses on the Kaggle flowers (five kinds)", "Some thousand photos of five to twenty kinds.",
        {
            "data": {"image_size": 224, "resize": "squash", "validation": 0.2, "seed": 42},
            "augment": {"preset": "custom", "flip": "horizontal", "rotation": 40.0, "shift": 0.4, "shear": 0.2,
                        "zoom": 0.3, "fill": "nearest"},
            "model": {
                "backbone": "ResNet50", "pooling": "flatten", "norm_features": True, "dropout": 0.0,
                "hidden": [{"units": units, "batch_norm": "after", "initializer": "he_normal"}
                           for units in (2048, 1024)],
            },
            "train": {"batch_size": 32, "seed": 42, "phases": _one_phase(epochs=30, freeze="all")},
        },
        "The source changes every picture anew in every epoch; here four views of each are prepared once.",
    ),
    Preset(
        "cifar10-resnet50", "ResNet50 on tiny pictures",
        "ResNet50, frozen, on pictures of 32 pixels, with two layers on all its features.",
        "Exercises on CIFAR-10", "Small pictures, such as CIFAR-10's, 32×32.",
        {
            "data": {"image_size": 32},
            "model": {"backbone": "ResNet50", "pooling": "flatten", "hidden": _TWO_LAYERS, "dropout": 0.0},
            "train": {"phases": _one_phase(learning_rate=1e-4, freeze="all")},
        },
    ),
    Preset(
        "cifar10-resnet50-cut", "ResNet50, cut off early",
        "Only the first part of ResNet50, up to conv3_block1_3_conv: what follows sees too little of a tiny picture.",
        "Exercises on CIFAR-10", "Small pictures, such as CIFAR-10's, 32×32.",
        {
            "data": {"image_size": 32},
            "model": {"backbone": "ResNet50", "cut_layer": "conv3_block1_3_conv", "pooling": "flatten",
                      "hidden": _TWO_LAYERS, "dropout": 0.0},
            "train": {"phases": _one_phase(learning_rate=0.01, freeze="all")},
        },
    ),
    Preset(
        "cifar10-resnet50-weights-file", "ResNet50 from a weights file",
        "ResNet50 with weights from a file of yours, matched by the names of its layers.",
        "Exercises on CIFAR-10", "Small pictures, and a weights file for ResNet50: give yours as model.weights.",
        {
            "data": {"image_size": 32},
            "model": {"backbone": "ResNet50", "weights": "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
                      "pooling": "flatten", "hidden": _TWO_LAYERS, "dropout": 0.0},
            "train": {"phases": _one_phase(learning_rate=0.01, freeze="all")},
        },
    ),
    Preset(
        "cifar10-inceptionv3-upsample", "InceptionV3 on enlarged tiny pictures",
        "Pictures of 32 pixels are enlarged four times inside the model, since InceptionV3 needs 75.",
        "Exercises on CIFAR-10", "Small pictures, such as CIFAR-10's, 32×32.",
        {
            "data": {"image_size": 32},
            "model": {"backbone": "InceptionV3", "upsample": 4, "pooling": "flatten", "dropout": 0.0,
                      "hidden": [{"units": 1024}, {"units": 512, "dropout": 0.3}, {"units": 128}]},
            "train": {"phases": _one_phase(learning_rate=1e-4, freeze="all")},
        },
    ),
    Preset(
        "flowers17-inceptionv3-two-phase", "InceptionV3 in two phases",
        "First the head alone, then most of the network at a small rate, batch normalisation too.",
        "Courses on the Oxford flowers (17 kinds), after the Keras documentation's fine-tuning of InceptionV3",
        "A thousand photos or more.",
        {
            "data": {"image_size": 299, "resize": "squash"},
            "augment": {"preset": "custom", "flip": "horizontal", "rotation": 30.0, "shift": 0.2, "shear": 0.2,
                        "zoom": 0.2, "fill": "nearest"},
            "model": {"backbone": "InceptionV3", "batch_norm": "train", "pooling": "average",
                      "hidden": [{"units": 1024}], "dropout": 0.0},
            "train": {"batch_size": 64, "class_weights": "balanced", "phases": [
                {**CONSTANT, "name": "head", "epochs": 2, "freeze": "all", "optimizer": "adam"},
                {**CONSTANT, "name": "fine-tuning", "epochs": 2, "freeze": "max_pooling2d_1", "optimizer": "adagrad",
                 "learning_rate": 1e-4},
            ]},
        },
        "The source changes every picture anew in every epoch; here four views of each are prepared once.",
    ),
    Preset(
        "cats-dogs-vgg16", "VGG16 for two classes",
        "VGG16, frozen, a layer on all its features, and one unit that says how much it is the second class.",
        "F. Chollet, Deep Learning with Python (2017), section 5.3", "Two classes, some thousand photos.",
        {
            "data": {"image_size": 150, "resize": "squash"},
            "model": {"backbone": "VGG16", "pooling": "flatten", "hidden": [{"units": 256}], "dropout": 0.0,
                      "output": "sigmoid"},
            "train": {"batch_size": 20, "phases": _one_phase(epochs=30, freeze="all", optimizer="rmsprop",
                                                             learning_rate=2e-5)},
        },
    ),
    Preset(
        "flowers-resnet50", "ResNet50 and one layer",
        "ResNet50, frozen, averaged, with one layer of 256 on it.",
        "Courses on the Kaggle flowers (five kinds)", "Some hundred photos or more.",
        {
            "data": {"image_size": 224, "resize": "squash"},
            "model": {"backbone": "ResNet50", "pooling": "average", "hidden": [{"units": 256}], "dropout": 0.0},
            "train": {"batch_size": 32, "phases": _one_phase(epochs=30, freeze="all")},
        },
    ),
    Preset(
        "imagewoof-resnet50-onecycle", "ResNet50, all of it, in one cycle",
        "All of ResNet50 learns, the rate rising to 0.0001 and falling again, on a twenty-fifth of the pictures.",
        "fast.ai's Imagewoof; L. Smith and N. Topin, arXiv:1708.07120",
        "Thousands of photos, and some patience: nothing is frozen.",
        {
            "data": {"image_size": 160, "validation": 0.2, "subset": 0.04},
            "augment": {"preset": "custom", "flip": "horizontal", "crop": 4, "fill": "reflect"},
            "model": {"backbone": "ResNet50", "batch_norm": "train", "dropout": 0.0},
            "train": {"batch_size": 32, "phases": [
                {"epochs": 10, "freeze": "none", "optimizer": "adam", "learning_rate": 1e-4, "schedule": "one_cycle",
                 "weight_decay": 1e-4, "clip_value": 0.1},
            ]},
        },
        "The source takes the twenty-fifth of all pictures; here it is taken of the training pictures alone.",
    ),
)
PRESETS: dict[str, Preset] = {preset.id: preset for preset in _ROWS}


def get(name: str) -> Preset:
    """A preset by its id. Raises RecipeError, which names what there is."""
    if name not in PRESETS:
        raise RecipeError(f"There is no preset '{name}'.", f"Use one of: {', '.join(PRESETS)}.")
    return PRESETS[name]
