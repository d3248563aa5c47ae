"""The Keras model: building, weights, freezing, running it forward."""
