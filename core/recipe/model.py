"""`model` of the recipe: the pretrained network and what is put on top of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from core.recipe.annotations import Available, Empty, Settings, Steps, Unless, WhenStarts


def batch_norm_place(value: Any) -> Any:
    """Where a hidden layer's batch normalisation stands; once it could only be there or not."""
    return {True: "before", False: "none"}[value] if isinstance(value, bool) else value


class HiddenLayer(Settings):
    """One fully connected layer between the pooled features and the classifier."""

    units: int = Field(256, title="Units", ge=1, le=8192, description="Number of neurons.")
    activation: Literal["relu", "gelu", "swish", "tanh", "elu"] = Field(
        "relu", title="Activation", description="The non-linearity after the layer.",
    )
    batch_norm: Annotated[Literal["none", "before", "after"], Available("none", "before")] = Field(
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
    initializer: Annotated[
        Literal["glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal"],
        Available("glorot_uniform"),
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
    weights: Annotated[str, Available("imagenet", "none")] = Field(
        "imagenet", title="Starting weights",
        description="imagenet: pretrained on 1.3 million photos. none: random, the network learns from "
        "your images alone.",
    )
    cut_layer: Annotated[str | None, Available(None)] = Field(
        None, title="Cut layer", description="Where the backbone is cut off. Empty: it is used whole.",
    )
    upsample: Annotated[int | None, Available(None)] = Field(
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
    pooling: Annotated[Literal["average", "max", "both", "flatten"], Available("average", "max", "flatten")] = Field(
        "average", title="Pooling",
        description="How the backbone's feature map becomes one row of numbers: average or maximum over the "
        "image, or all of it (flatten: many parameters).",
    )
    norm_features: Annotated[bool, Available(False)] = Field(
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
    output: Annotated[Literal["softmax", "sigmoid"], Available("softmax")] = Field(
        "softmax", title="Output",
        description="softmax: exactly one class an image. sigmoid: for two classes, one unit that says how much it "
        "is the second.",
    )

    @property
    def trains_batch_norm(self) -> bool:
        """True when batch normalisation learns in the layers that are trained. From random weights it always does:
        there are no pretrained statistics to keep."""
        return self.batch_norm == "train" or self.weights == "none"
