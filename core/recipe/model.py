"""`model` of the recipe: the pretrained network and what is put on top of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from core.recipe.annotations import Empty, Settings, Steps, Unless, WhenStarts


def batch_norm_place(value: Any) -> Any:
    """Where a hidden layer's batch normalisation stands; once it could only be there or not."""
    return {True: "before", False: "none"}[value] if isinstance(value, bool) else value


class HiddenLayer(Settings):
    """One fully connected layer between the pooled features and the classifier."""

    units: int = Field(256, title="Units", ge=1, le=8192, description="Number of neurons.")
    activation: Literal["relu", "gelu", "swish", "tanh", "elu"] = Field(
        "relu", title="Activation", description="The non-linearity after the layer.",
    )
    batch_norm: Literal["none", "before", "after"] = Field(
        "none", title="Batch normalisation",
        description="Normalise the layer's output over the batch, before or after the activation.",
    )
    dropout: float = Field(
        0.0, title="Dropout", ge=0.0, le=0.9,
        description="Share of the layer's outputs switched off at random while training.",
    )
    l2: Annotated[float, Steps(1e-4, "log")] = Field(
        0.0, title="L2 penalty", ge=0.0, le=1.0, description="Weight of the squared weights in the loss.",
    )
    initializer: Literal[
        "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal"
    ] = Field(
        "glorot_uniform", title="Initialiser",
        description="How the layer's weights are drawn before training. he: for relu. lecun: for selu and tanh.",
    )

    _named_place = field_validator("batch_norm", mode="before")(batch_norm_place)


class ModelSettings(Settings):
    """The pretrained network and what is put on top of it."""

    backbone: str = Field(
        "MobileNetV2", title="Backbone",
        description="The pretrained network that turns an image into features.",
    )
    alpha: Annotated[float | None, WhenStarts("backbone", "MobileNet"), Empty("automatic")] = Field(
        None, title="Width (alpha)", gt=0.0, le=2.0,
        description="Width multiplier of the MobileNets: smaller is faster and less exact. "
        "Empty: the backbone's usual width.",
    )
    weights: str = Field(
        "imagenet", title="Starting weights", min_length=1,
        description="imagenet: pretrained on 1.3 million photos. none: random, the network learns from "
        "your images alone. A file (.h5, .weights.h5 or .keras): its layers, by name. A run: the backbone as it was "
        "trained there.",
    )
    weights_match: Annotated[
        Literal["name", "partial", "order"], Unless("weights", "imagenet", "none")
    ] = Field(
        "name", title="Match layers by",
        description="How the layers of a file are found. name: every layer of the backbone has to be in it. partial: "
        "what is not in it starts from random weights. order: layers of another name are taken by their place and "
        "shape.",
    )
    cut_layer: str | None = Field(
        None, title="Cut layer", min_length=1,
        description="The layer where the backbone is cut off; what follows is not built. Empty: it is used whole.",
    )
    upsample: int | None = Field(
        None, title="Upsample", ge=2, le=16,
        description="Enlarge small images by this factor before the backbone. Empty: no.",
    )
    upsample_method: Annotated[Literal["nearest", "bilinear"], Unless("upsample", None)] = Field(
        "nearest", title="Upsample by",
        description="nearest: every pixel becomes a square. bilinear: smooth in between.",
    )
    batch_norm: Annotated[Literal["frozen", "train"], Unless("weights", "none")] = Field(
        "frozen", title="Batch normalisation in the backbone",
        description="frozen: keeps the statistics of the pretraining, right for small data. "
        "train: learns them again in the layers that are trained.",
    )
    pooling: Literal["average", "max", "both", "flatten"] = Field(
        "average", title="Pooling",
        description="How the backbone's feature map becomes one row of numbers: average or maximum over the "
        "image, both side by side, or all of it (flatten: many parameters).",
    )
    norm_features: bool = Field(
        False, title="Normalise the features", description="Batch normalisation on the pooled features.",
    )
    hidden: tuple[HiddenLayer, ...] = Field(
        (), title="Hidden layers", max_length=8,
        description="Fully connected layers between the features and the classifier. Often none is best.",
    )
    dropout: float = Field(
        0.5, title="Dropout", ge=0.0, le=0.9,
        description="Share of the features switched off at random while training, before the classifier.",
    )
    output: Literal["softmax", "sigmoid"] = Field(
        "softmax", title="Output",
        description="softmax: exactly one class an image. sigmoid: for two classes, one unit that says how much it "
        "is the second.",
    )

    @property
    def own_weights(self) -> bool:
        """True when the backbone starts from a file or a run of the user's."""
        return self.weights not in ("imagenet", "none")

    @property
    def trains_batch_norm(self) -> bool:
        """True when batch normalisation learns in the layers that are trained. From random weights it always does:
        there are no pretrained statistics to keep."""
        return self.batch_norm == "train" or self.weights == "none"
