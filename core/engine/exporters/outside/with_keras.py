"""The model by Keras: pip install keras tensorflow pillow numpy"""

import keras


def load_model(folder):
    """A function from float32 [n, size, size, 3] (0 to 255) to probabilities [n, units]."""
    model = keras.models.load_model(folder / "model.keras", compile=False)
    return lambda pixels: model(pixels, training=False)
