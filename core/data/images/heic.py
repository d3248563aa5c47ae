"""HEIC for Pillow, by libheif without its encoders (`pi-heif`: BSD, with LGPL libraries). Imported when one is met."""

from __future__ import annotations

import pi_heif

pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
pi_heif.options.DECODE_THREADS = 1  # images are decoded side by side already; each thread holds pictures of its own
