"""The model by ONNX Runtime: pip install onnxruntime pillow numpy"""

import onnxruntime


def load_model(folder):
    """A function from float32 [n, size, size, 3] (0 to 255) to probabilities [n, units]."""
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda pixels: session.run(None, {name: pixels})[0]
