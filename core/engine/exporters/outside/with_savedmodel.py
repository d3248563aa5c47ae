"""The model by TensorFlow: pip install tensorflow pillow numpy"""

import tensorflow as tf


def load_model(folder):
    """A function from float32 [n, size, size, 3] (0 to 255) to probabilities [n, units]."""
    model = tf.saved_model.load(str(folder / "saved_model"))
    return lambda pixels: model.serve(tf.constant(pixels))
