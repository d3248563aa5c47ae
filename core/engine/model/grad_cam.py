"""Which parts of an image speak for a class: Grad-CAM (Selvaraju et al., "Grad-CAM: Visual Explanations from Deep
Networks via Gradient-based Localization", ICCV 2017, equations 1 and 2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from core.engine.model.boundary import calls

Heat = Callable[[np.ndarray, np.ndarray | None], np.ndarray]
"""Takes images [n, size, size, 3] and class numbers [n], or None for the class that each is given; gives float32
[n, size, size]: 0 where nothing speaks for the class, 1 where most does. All 0 where nothing does anywhere."""


def grad_cam(model: keras.Model) -> Heat:
    """For a model whose last feature map is followed by a head that ends in a Dense layer, which is every model of
    Graft's: whatever backbone, cut and head."""
    last = model.layers[-1]
    before = keras.layers.Dense(last.units, use_bias=last.use_bias, name="before_the_activation")
    logits = before(last.input)
    before.set_weights(last.get_weights())
    both = keras.Model(model.input, [feature_map(model), logits])
    size = int(model.input_shape[1])

    def heat(images: np.ndarray, classes: np.ndarray | None) -> np.ndarray:
        import tensorflow as tf

        pixels = tf.constant(images, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(pixels)  # else nothing of a frozen backbone is recorded
            maps, given = both(pixels, training=False)
            score = tf.reduce_sum(_scores(given, classes))
        return _brought_to(_weighed(np.asarray(maps, np.float32), np.asarray(tape.gradient(score, maps), np.float32)),
                           size)

    return heat


def feature_map(model: keras.Model) -> keras.KerasTensor:
    """The last feature map of a model's graph: [n, h, w, channels]."""
    maps = [node.output_tensors[0] for node in calls(model) if len(node.output_tensors[0].shape) == 4]
    return maps[-1]


def _scores(logits: Any, classes: np.ndarray | None) -> Any:
    """What speaks for the classes, before softmax or sigmoid. One unit speaks for the second class, and against the
    first."""
    import tensorflow

    values = np.asarray(logits)
    if values.shape[1] == 1:
        chosen = (values[:, 0] > 0).astype(int) if classes is None else classes
        return tensorflow.squeeze(logits, 1) * np.where(chosen == 1, 1.0, -1.0).astype(np.float32)
    chosen = values.argmax(1) if classes is None else classes
    return tensorflow.gather(logits, chosen, axis=1, batch_dims=1)


def _weighed(maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Maps weighed by the mean of their gradients, what is negative left out; the largest of each image is 1."""
    weights = gradients.mean((1, 2), keepdims=True)
    found = np.maximum((maps * weights).sum(-1), 0)
    most = found.max((1, 2), keepdims=True)
    return np.asarray(np.divide(found, most, out=np.zeros_like(found), where=most > 0), np.float32)


def _brought_to(heat: np.ndarray, size: int) -> np.ndarray:
    """Enlarged bilinearly to the model's input."""
    from PIL import Image

    return np.stack([np.asarray(Image.fromarray(one).resize((size, size), Image.Resampling.BILINEAR), np.float32)
                     for one in heat]).clip(0, 1)
