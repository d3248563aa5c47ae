"""Options that several commands take, and the recipe that they come to."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli import output
from core.errors import NotFoundError, RecipeError
from core.recipe.fields import Recipe
from core.recipe.specs import field_spec, without_effect
from core.runs.run import Run
from core.store.limits import Limits
from core.store.workspace import Workspace

if TYPE_CHECKING:
    from core.data.dataset import Dataset
    from core.data.sources.pictures import Picture
    from core.recipe.choices import Choice

SHORTHANDS = {
    "backbone": "model.backbone",
    "alpha": "model.alpha",
    "weights": "model.weights",
    "freeze": "train.phases.0.freeze",
    "epochs": "train.phases.0.epochs",
    "seed": "train.seed",
}
"""Short options, and the fields of the recipe that they stand for."""
_STEPS = frozenset(f"train.{name}" for name in ("mix", "mix_alpha", "average", "accumulate", "batch_size"))
PHASE = "train.phases.0."
"""Short options that begin like this are for a recipe of one phase."""


def shorthand(name: str) -> Any:
    """An option for a field of the recipe; its help and range come from the field."""
    spec = field_spec(SHORTHANDS[name].replace(".0.", "."))
    bounds = f" From {spec.minimum:.12g} to {spec.maximum:.12g}." if None not in (spec.minimum, spec.maximum) else ""
    default = "" if spec.default is None else f" Default: {spec.default}."
    return typer.Option(f"--{name}", metavar=name.upper(), help=f"{spec.help}{bounds}{default}")


DatasetArgument = Annotated[
    str, typer.Argument(metavar="DATASET", help="A zip, tar, 7z or folder of class folders, a link to one, a sample, "
                                                "or a dataset id.")
]
RunArgument = Annotated[str, typer.Argument(metavar="RUN_DIR", help="The folder of a run, or its id.")]
AcceptBadOption = Annotated[bool, typer.Option(
    "--accept-bad", help="Go on although many files cannot be read; they are left out.")]
AcceptEmptyOption = Annotated[bool, typer.Option(
    "--accept-empty", help="Leave out classes that have no readable image, instead of refusing all.")]
ArchivesInsideOption = Annotated[bool, typer.Option(
    "--archives-inside", help="Read archives inside it as well, each as a folder.")]
LayoutOption = Annotated[str | None, typer.Option(
    "--layout", metavar="ID", help="How the folders are to be read, where that is not certain: one of the readings "
    "that the error names.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
RecipeOption = Annotated[Path | None, typer.Option(help="A recipe.json. The other options change it.")]
PresetOption = Annotated[str | None, typer.Option(
    metavar="ID", help="A complete recipe by its name (see `presets`). The other options change it.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Any field of the recipe by its path, "
                                   "such as model.dropout=0.4. Can be given several times.")
]


def open_run(text: str) -> Run:
    """A run by its folder, else by its id in the workspace. Raises NotFoundError."""
    if Path(text).is_dir():
        return Run.open(text)
    try:
        return Run.find(Workspace.default(), text)
    except NotFoundError:
        raise NotFoundError(f"There is no run '{text}'.", "`python -m core runs` lists the runs.") from None


@contextmanager
def collected(images: Sequence[Path]) -> Iterator[tuple[list[Picture], Limits]]:
    """The pictures of files, folders and archives, while they are needed, and the limits that they are held to. Says
    what was left out. Raises GraftError."""
    from core.data.sources import pictures
    from core.data.sources.members import Notes

    limits, notes = Workspace.default().limits, Notes()
    with tempfile.TemporaryDirectory() as scratch:
        found = pictures.collect(images, Path(scratch), limits, notes)
        for line in notes.lines():
            output.tell(line)
        yield found, limits


def recipe_of(file: Path | None, preset: str | None, given: Mapping[str, str], settings: Sequence[str],
              dataset: Callable[[], Dataset] | None = None) -> Recipe:
    """The recipe that the options come to; says what of them has no effect.

    Args:
        given: Short options that were given, by their names in `SHORTHANDS`.
        dataset: Gives what it is for. Where neither a recipe nor a backbone was named, what suits it is taken, as on
            the Model page.

    Raises:
        RecipeError: contradicting options, an unknown preset or field, or a value that a field refuses.
    """
    from core.recipe.proposals import adapted, solved

    chosen = {assignment.partition("=")[0].strip() for assignment in settings} | {SHORTHANDS[name] for name in given}
    changes = [*(f"{SHORTHANDS[name]}={value}" for name, value in given.items()), *settings]
    base = _base(file, preset, dataset)
    if dataset is not None and file is None and preset is None and not chosen & {
            "model.backbone", "model.alpha", "model.weights"}:
        base.override(changes)  # a slip of the pen is told before many pictures are read
        base = _proposed(dataset())
    phases = len(base.train.phases)
    if phases > 1 and any(SHORTHANDS[name].startswith(PHASE) for name in given):
        raise RecipeError(f"--freeze and --epochs are for a recipe of one phase; this one has {phases}.",
                          "Use --set train.phases.0.epochs=5 and so on.")
    final, note = adapted(base, changes)
    if dataset is not None and file is None and preset is None and not any(map(_speaks_of_steps, chosen)) \
            and not (final.augment.active and final.augment.views == "fresh"):
        final = solved(final)  # who says nothing of steps gets a head that is solved, where it can be
    if note:
        output.tell(f"Note: {note}")
    for path in sorted(chosen):
        if note := without_effect(final, path):
            output.tell(f"Note: {note}")
    return final


def _speaks_of_steps(path: str) -> bool:
    """Whether who sets this field wants a training step by step, or says himself how a phase goes."""
    return path in _STEPS or path == "train.phases" or (
        path.startswith("train.phases.") and path != SHORTHANDS["freeze"])


def _base(file: Path | None, preset: str | None, dataset: Callable[[], Dataset] | None) -> Recipe:
    from core.backbones import weights
    from core.recipe import choices, presets

    if file is not None and preset is not None:
        raise RecipeError("--recipe and --preset were both given.", "Choose one of them, and change it with --set.")
    if preset in choices.CHOSEN_FROM_DATA:
        if dataset is None:
            raise RecipeError(f"What '{preset}' comes to depends on the dataset.",
                              f"Use it with one: python -m core train DATASET --preset {preset}")
        return _told(choices.choice(preset, dataset(), weights.reachable))
    if preset is not None:
        return presets.get(preset).recipe
    return Recipe() if file is None else Recipe.load(file)


def _told(choice: Choice) -> Recipe:
    output.tell(f"{choice.title}: {choice.why}")
    return choice.recipe


def _proposed(dataset: Dataset) -> Recipe:
    """What the Model page proposes for a dataset. Says so where it is not the default."""
    from core.backbones import weights
    from core.backbones.catalogue import get
    from core.recipe import proposals

    found = proposals.stepwise(proposals.propose(dataset, weights.reachable))
    backbone, variant = get(found.model.backbone, found.model.alpha)
    if found != Recipe():
        why = proposals.reason(found, dataset, weights.reachable) or "Its pretrained weights are here."
        start = "" if variant.pretrained else " with random weights, everything trained"
        output.tell(f"Note: no backbone was named; using {backbone.title}{start}. {why}")
    return found
