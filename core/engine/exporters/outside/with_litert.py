"""The model by LiteRT: pip install ai-edge-litert pillow numpy (or tensorflow, which has it, too)"""

import numpy as np

try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:
    import tensorflow

    Interpreter = tensorflow.lite.Interpreter


def load_model(folder):
    """A function from float32 [1, size, size, 3] (0 to 255) to probabilities [1, units]."""
    interpreter = Interpreter(str(folder / "model.tflite"))
    interpreter.allocate_tensors()
    taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def run(pixels):
        interpreter.set_tensor(taken["index"], pixels.astype(taken["dtype"]))
        interpreter.invoke()
        return np.asarray(interpreter.get_tensor(given["index"]), np.float32)

    return run
