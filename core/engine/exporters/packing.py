"""What goes along with an exported model: labels, settings, the code that runs it, and a page on how."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from core.backbones import catalogue
from core.exports.formats import ExportFormat
from core.runs.run import Run
from core.store.files import write_json, write_text

OUTSIDE = Path(__file__).with_name("outside")
CERTIFICATE = "certificate.json"


def about_model(run: Run) -> dict[str, Any]:
    """`model.json`: what whoever runs the model has to know. `{classes, image_size, resize, output, pixels}`."""
    recipe = run.recipe
    backbone, _ = catalogue.get(recipe.model.backbone, recipe.model.alpha)
    return {
        "classes": run.classes, "image_size": recipe.data.image_size or backbone.default_size,
        "resize": recipe.data.resize, "output": recipe.model.output,
        "pixels": "RGB, 0 to 255; what the backbone wants besides is inside the model",
    }


def add_what_goes_along(run: Run, kind: ExportFormat, folder: Path) -> None:
    """Write labels.txt, model.json, preprocess.py, runtime.py, predict.py and README.md beside a model. Raises
    OSError."""
    write_text(folder / "labels.txt", "\n".join(run.classes) + "\n")
    write_json(folder / "model.json", about_model(run))
    for name in ("preprocess.py", "predict.py"):
        shutil.copy(OUTSIDE / name, folder / name)
    shutil.copy(OUTSIDE / kind.runtime, folder / "runtime.py")
    write_text(folder / "README.md", readme(run, kind))


def readme(run: Run, kind: ExportFormat) -> str:
    """How to use the model elsewhere."""
    about, recipe = about_model(run), run.recipe
    needs = (OUTSIDE / kind.runtime).read_text("utf-8").partition("pip install ")[2].partition('"""')[0].strip()
    size = about["image_size"]
    fitted = {"crop": "the middle of it is cut out", "pad": "it gets a white border", "squash": "it is made a square"}
    return f"""# A model that tells apart {len(run.classes)} classes

Made with Graft from {run.dataset["name"]}: {recipe.model.backbone}, format {kind.title}.

    pip install {needs}
    python predict.py photo.jpg another.jpg

In a program of yours:

    from predict import ABOUT, predict
    row = predict(["photo.jpg"])[0]
    print(ABOUT["classes"][row.argmax()], row.max())

- `labels.txt`: the classes, in the order of the model's outputs.
- `model.json`: classes, image size and how a picture is brought to it.
- `preprocess.py`: from a file to pixels. Use it, or do the same: upright by EXIF, RGB, transparency over white, then
  {size} × {size} pixels ({fitted[about["resize"]]}; bilinear over all pixels, as Pillow does). Other ways of making a
  picture smaller move the answers a little.
- The model takes RGB from 0 to 255. What the backbone wants besides is inside.
- `certificate.json`: how its answers compared with those of the model that was trained.
"""
