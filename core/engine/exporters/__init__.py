"""From a Keras model to the files of other runtimes, by their own tools."""
