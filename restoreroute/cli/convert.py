"""``restoreroute convert``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from restoreroute.cli import options

if TYPE_CHECKING:
    from restoreroute.routing.model_file import Model
    from restoreroute.routing.official import Checkpoint


def _check_pairs(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    for text in given:
        if not text.partition("=")[0].strip() or "=" not in text:
            raise click.BadParameter(f"{text!r} is not KEY=VALUE, such as blocks=16")
    return given


@click.command()
@click.argument("checkpoint", type=options.PATH)
@click.option("-o", "--output", required=True, type=options.PATH, help="The model file to write.")
@click.option("--family", metavar="NAME", help="Backbone family  [default: recognised from the tensors]")
@click.option(
    "--scale", type=click.IntRange(min=1), help="Scale, where the tensors do not tell it (FSRCNN)  [default: 4]"
)
@click.option(
    "--option",
    "pairs",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_check_pairs,
    help="An option of the family, such as value_range=1. May be given several times.",
)
@click.option(
    "--task",
    metavar="NAME",
    help="What the model is for  [default: super_resolution, or gaussian_denoising at scale 1]",
)
@click.option("--force", is_flag=True, help="Replace a file that exists.")
def convert(
    checkpoint: Path,
    output: Path,
    family: str | None,
    scale: int | None,
    pairs: tuple[str, ...],
    task: str | None,
    force: bool,
) -> None:
    """Turn CHECKPOINT, a .pth file of ClassSR's authors or of BasicSR, into a model file.

    Routed checkpoints and single networks are read. Family, widths, depth and scale are recognised from the
    tensors. No code in the file is run.

    \b
    Examples:
      restoreroute convert RCAN_branch3.pth -o rcan.safetensors
      restoreroute convert ClassSR_FSRCNN.pth -o fsrcnn.safetensors --scale 4
      restoreroute convert my_rcan.pth -o my_rcan.safetensors --family rcan --option value_range=1
    """
    from restoreroute.app.convert import convert_checkpoint
    from restoreroute.recipe.overrides import parse_overrides

    chosen = {".".join(override.keys): override.value for override in parse_overrides(pairs)}
    found, model = convert_checkpoint(
        checkpoint, output, family=family, scale=scale, options=chosen, task=task, force=force
    )
    _show(found, model)
    click.echo(f"{checkpoint} -> {output}")


def _show(found: Checkpoint, model: Model) -> None:
    remark = "" if found.scale_told else "  (the tensors do not tell; --scale sets another)"
    click.echo(f"family: {found.family.name}")
    click.echo(f"task: {model.task.offer.name}")
    click.echo(f"scale: {found.scale}{remark}")
    for number, (plan, cost) in enumerate(zip(model.plans, model.costs, strict=True)):
        ignored = set(plan.family.start_options)
        settings = {"width": plan.width, **plan.options.model_dump(exclude=ignored), "parameters": cost.parameters}
        click.echo(f"branch {number + 1}: " + ", ".join(f"{key} {value}" for key, value in settings.items()))
    if found.class_module_options is not None:
        width, parameters = found.class_module_options.width, model.class_module_cost.parameters
        click.echo(f"Class-Module: width {width}, parameters {parameters}")
