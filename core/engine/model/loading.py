"""Reading a run's own model.keras."""

from __future__ import annotations

from pathlib import Path

import keras


def read_model(path: Path) -> keras.Model:
    """Load a model that Graft wrote (never a file of the user's: loading one runs what its author put into it)."""
    return keras.models.load_model(path, compile=False, safe_mode=True)
