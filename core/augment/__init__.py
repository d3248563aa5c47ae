"""Random changes to training images. Free of Keras: engine and pages make the same copies."""
