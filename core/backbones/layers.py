"""What a backbone's graph is made of: layers, what each does to height and width, and blocks of them."""

from __future__ import annotations

from typing import Literal, NamedTuple

OPERATION = ""
"""The kind of a node that is no Keras layer but a bare operation, such as the sum in ConvNeXt's blocks."""


class Window(NamedTuple):
    """What a layer does to height and width."""

    kernel: int
    stride: int
    padding: int | Literal["same", "fit", "point", "vector"]
    """Pixels added to the side (cropped when negative); same: as many as are needed to reach ceil(side / stride);
    fit: zero padding that follows the size (`keras.applications.imagenet_utils.correct_pad`); point, vector: the whole
    map becomes one pixel, or a row of numbers without height and width."""

    def side(self, side: int) -> int:
        """Side of the output for a side of the input, in pixels."""
        if self.padding == "same":
            return -(-side // self.stride)
        if self.padding == "fit":
            return side + self.kernel // 2 * 2 - (1 - side % 2)
        assert isinstance(self.padding, int)
        return (side + self.padding - self.kernel) // self.stride + 1


class Layer(NamedTuple):
    """One node of the graph."""

    name: str
    kind: str
    """Keras's class, such as `Conv2D`; OPERATION for what is no layer."""
    inputs: tuple[int, ...]
    """Positions of the layers that feed it; -1 is the image."""
    window: Window | None
    """None: height and width pass unchanged."""
    channels: int
    parameters: int
    """All weights, batch-norm statistics included."""
    kernel: int
    """Those that are multiplied at every position of the output."""

    @property
    def is_batch_norm(self) -> bool:
        """True for layers with statistics that only batch normalisation has."""
        return self.kind == "BatchNormalization"

    @property
    def trainable(self) -> int:
        """Weights that training may change: not the statistics of a normalisation."""
        if self.kind == "Normalization":
            return 0
        return self.parameters - (2 * self.channels if self.is_batch_norm else 0)


class Block(NamedTuple):
    """One natural piece of a backbone, behind which the graph can be split."""

    name: str
    """Readable and unique within the backbone, such as `block_12`."""
    layer: str
    """The block's last Keras layer: the freeze point."""
    layers: int
    """How many Keras layers it has."""
    parameters: int
    """All weights, batch-norm statistics included."""
    trainable: int
    """Weights that are trained when the block is not frozen but its batch normalisation is."""
    batch_norm: int
    """Weights that are trained on top of these when batch normalisation is trained too."""
    shape: tuple[int, ...]
    """Height, width and channels of the output at the size asked for."""
    mult_adds: int
    """Multiplications with addition for one image at that size."""
    carriers: tuple[str, ...]
    """What passes the block's end: one layer, or two where a cell also reads the one before (NASNet)."""
