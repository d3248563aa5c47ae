"""What the model is fed with: pixels, cached activations, batches."""
