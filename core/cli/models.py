"""Commands on what can be trained: presets, backbones, and a model as a table. They need no data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli import output
from core.cli.options import JsonOption, PresetOption, RecipeOption, SetOption, recipe_of
from core.errors import RecipeError

if TYPE_CHECKING:
    from core.backbones.catalogue import Backbone, Variant
    from core.backbones.speeds import Speed

_DEPENDS = "A dataset: what it comes to depends on its pictures, and on the weights within reach."


def presets(as_json: JsonOption = False) -> None:
    """List complete recipes under their names: what well-known courses and papers train, and what suits a dataset."""
    from core.recipe.choices import CHOSEN_FROM_DATA
    from core.recipe.presets import PRESETS

    if as_json:
        own = [{"id": name, "title": name.capitalize(), "about": about, "source": "Graft", "needs": _DEPENDS,
                "differs": "", "recipe": None} for name, about in CHOSEN_FROM_DATA.items()]
        output.print_json(own + [{**_facts(preset), "recipe": preset.recipe.model_dump(mode="json")}
                                 for preset in PRESETS.values()])
    else:
        output.print_table(["id", "backbone", "what it does"], [
            *([name, "by the dataset", about] for name, about in CHOSEN_FROM_DATA.items()),
            *([preset.id, preset.recipe.model.backbone, preset.about] for preset in PRESETS.values())])


def backbones(
    name: Annotated[str | None, typer.Argument(
        metavar="[NAME]", help="One of them: its blocks, and the layers at which it can be cut and frozen.")] = None,
    alpha: Annotated[float | None, typer.Option(help="The width of that one. Default: its usual one.")] = None,
    measure: Annotated[bool, typer.Option(
        "--measure", help="Measure first how many images a second go through that one on this machine; some ten "
                          "seconds, more for large ones. The figure is kept.")] = False,
    size: Annotated[int | None, typer.Option(
        "--size", min=8, metavar="PIXELS", help="Image size of the speed. Default: the backbone's usual one.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the pretrained networks, whether their weights are on this machine, and how quick they are here."""
    from core.backbones.catalogue import BACKBONES, get

    if name is not None:
        if measure:
            _measure(*get(name, alpha), size)
        _one_backbone(*get(name, alpha), size, as_json)
        return
    for option, given in (("--alpha", alpha is not None), ("--measure", measure), ("--size", size is not None)):
        if given:
            raise RecipeError(f"{option} is for one backbone, and none was named.",
                              "python -m core backbones MobileNetV2")
    speeds = _speeds()
    rows = [_described(backbone, variant, speeds) for backbone in BACKBONES.values() for variant in backbone.variants]
    if as_json:
        output.print_json(rows)
    else:
        columns = ["name", "alpha", "parameters", "top1", "default_size", "here", "images_per_second"]
        output.print_table(columns, [[_shown(row[column]) for column in columns] for row in rows])


def _speeds() -> dict[str, Speed]:
    """What was measured here. A listing makes no workspace where there is none."""
    from core.backbones.speeds import known
    from core.store.workspace import Workspace

    return known(Workspace.default().machine) if Workspace.default_root().is_dir() else {}


def _measure(backbone: Backbone, variant: Variant, size: int | None) -> None:
    """Measure one backbone, in a process of its own; Ctrl-C cancels it. Raises what it failed with."""
    from core.backbones import measuring
    from core.backbones.speeds import subject
    from core.jobs import requests
    from core.store.workspace import Workspace

    workspace = Workspace.default()
    job = measuring.start([subject(variant, size)], workspace, at_once=True)
    output.tell(f"Measuring {backbone.title} on this machine")
    requests.carried_out(job)


def _described(backbone: Backbone, variant: Variant, speeds: Mapping[str, Speed], size: int | None = None
               ) -> dict[str, Any]:
    from core.backbones import weights
    from core.backbones.speeds import subject

    speed = speeds.get(subject(variant, size).key)
    return {
        "name": backbone.name, "family": backbone.family, "alpha": variant.alpha, "parameters": variant.parameters,
        "size_mb": variant.size_mb, "depth": backbone.depth, "top1": variant.top1, "top5": variant.top5,
        "default_size": backbone.default_size, "min_size": backbone.min_size, "features": variant.features,
        "preprocessing": backbone.preprocessing, "licence": backbone.licence,
        "paper": asdict(backbone.paper) if backbone.paper else None, "description": backbone.description,
        "weights_file": variant.weights_file, "here": weights.find(backbone, variant) is not None,
        "images_per_second": speed.images_per_second if speed else None,
        "speed_engine": speed.engine if speed else None}


def _one_backbone(backbone: Backbone, variant: Variant, size: int | None, as_json: bool) -> None:
    """Its blocks at the default size, every layer at which it can be cut or frozen, and its speed where measured."""
    from core.backbones.freezing import cut_layers

    found = _described(backbone, variant, _speeds(), size)
    if as_json:
        output.print_json({
            **found,
            "blocks": [{"name": block.name, "last_layer": block.layer, "layers": block.layers,
                        "parameters": block.parameters, "output_shape": list(block.shape)}
                       for block in variant.blocks],
            "cut_layers": cut_layers(variant.graph), "freeze_layers": list(variant.layers)})
        return
    output.print_table(["block", "layers", "parameters", "output", "last layer"], [
        [block.name, block.layers, block.parameters, "×".join(map(str, block.shape)), block.layer]
        for block in variant.blocks])
    output.say(f"\n{len(variant.layers)} layers to freeze up to, {len(cut_layers(variant.graph))} to cut behind: "
               "--json names them.")
    side = size or backbone.default_size
    output.say(f"{found['images_per_second']:,.1f} images a second at {side} pixels on this machine "
               f"({found['speed_engine']}, measured)." if found["images_per_second"] else
               f"Its speed at {side} pixels was not measured on this machine: --measure does.")


def weights(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A .h5, .weights.h5 or .keras file, or a run.")],
    preset: PresetOption = None,
    recipe: RecipeOption = None,
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a weights file has for the backbone of a recipe, layer by layer, before anything is trained."""
    from core.backbones import comparison
    from core.backbones.weights import own_file
    from core.store.workspace import Workspace

    final, workspace = recipe_of(recipe, preset, {}, settings or []), Workspace.default()
    path = own_file(file, workspace.runs)
    found = comparison.compare(final, path, workspace.machine, output.tell)
    ways = {"name": found.by_name, "order": found.by_order}
    if as_json:
        output.print_json({"file": str(path), "backbone": final.model.backbone, "alpha": final.model.alpha,
                           **{f"by_{how}": {**asdict(way), "complete": way.complete} for how, way in ways.items()}})
        return
    how = "order" if final.model.weights_match == "order" else "name"
    output.print_table(["layer", "result", "in the file", "wanted", "found"],
                       [list(row.values()) for row in ways[how].table])
    for key, way in ways.items():
        output.say(f"By {key}: {way.loaded} loaded, {way.missing} missing, {way.mismatched} mismatched, "
                   f"{way.unused} unused.")


def summary(
    classes: Annotated[int, typer.Option(min=2, help="Number of classes.")],
    preset: PresetOption = None,
    recipe: RecipeOption = None,
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the model of a recipe as a table of layers, without data and without weights files."""
    from core.backbones.catalogue import check
    from core.summary import frozen_in, summary, summary_layers

    final = recipe_of(recipe, preset, {}, settings or [])
    check(final)
    if as_json:
        output.print_json(summary(final, classes))
        return
    names = [phase.name for phase in final.train.phases]
    output.print_table(["layer", "type", "output", "parameters", "frozen in"], [
        [layer.name, layer.type, "×".join(map(str, layer.output_shape)), layer.parameters, frozen_in(layer, names)]
        for layer in summary_layers(final, classes)])
    found = summary(final, classes)
    trained = ", ".join(f"{count:,} in {name}" for name, count in zip(names, found["trainable"], strict=True))
    output.say(f"\n{found['parameters']:,} parameters; trained: {trained}")


def _facts(preset: Any) -> dict[str, Any]:
    return {name: getattr(preset, name) for name in ("id", "title", "about", "source", "needs", "differs")}


def _shown(value: Any) -> Any:
    return {True: "yes", False: ""}[value] if isinstance(value, bool) else value
