"""From an image file to the pixels that the model takes: upright, RGB, transparency over white, brought to a square.

Needs Pillow and numpy. The same pixels as Graft's own decoder gives, byte for byte. For AVIF, HEIC and JPEG XL Pillow
needs a plugin where it does not know them.
"""

import numpy as np
from PIL import Image


def load_image(path, size, resize="crop"):
    """uint8 [size, size, 3].

    Args:
        path: The file, or an open one.
        size: Side of the square, pixels.
        resize: crop (the middle), pad (a white border) or squash (other proportions).
    """
    with Image.open(path) as image:
        if image.format == "JPEG":
            image.draft(None, (int(size * 1.5), int(size * 1.5)))  # decoded smaller where that is enough
        image.load()
        picture = _upright(image, _rgb(image))
    width, height = picture.size
    if resize == "squash" or width == height:
        return _resized(picture, (size, size), (0, 0, width, height))
    if resize == "crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return _resized(picture, (size, size), (left, top, left + side, top + side))
    scale = size / max(width, height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    square = np.full((size, size, 3), 255, np.uint8)
    left, top = (size - inner[0]) // 2, (size - inner[1]) // 2
    square[top:top + inner[1], left:left + inner[0]] = _resized(picture, inner, (0, 0, width, height))
    return square


def _resized(picture, to, box):
    if picture.size == to and tuple(box) == (0, 0, *to):
        return np.array(picture)
    return np.array(picture.resize(to, Image.Resampling.BILINEAR, box=box, reducing_gap=2.0))


def _upright(image, picture):
    try:
        orientation = image.getexif().get(0x0112, 1)
    except Exception:  # broken EXIF does not make a photo unusable
        return picture
    turned = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}.get(orientation if isinstance(orientation, int) else 1)
    return picture if turned is None else picture.transpose(Image.Transpose(turned))


def _rgb(image):
    if image.mode.startswith(("I", "F")):  # 16 bits and more: stretched from their own darkest to their own brightest
        values = np.asarray(image, np.float32).astype(np.float64)
        finite = np.isfinite(values)
        low = values.min(where=finite, initial=np.inf)
        high = values.max(where=finite, initial=-np.inf)
        scaled = np.full(values.shape, 128, np.uint8)
        if high > low:
            scaled[:] = np.round((np.where(finite, values, low) - low) / (high - low) * 255)
        return Image.fromarray(scaled).convert("RGB")
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        flat = Image.new("RGB", image.size, (255, 255, 255))
        flat.paste(layered, mask=layered.getchannel("A"))
        return flat
    return image if image.mode == "RGB" else image.convert("RGB")
