"""``restoreroute restore``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from restoreroute.cli import options


@click.command()
@options.model(default=options.DEFAULT_MODEL)
@click.argument("inputs", nargs=-1, required=True, type=options.PATH, metavar="IN...")
@click.option(
    "-o", "--output", type=options.PATH, help="A file for one image, or a folder  [default: beside the input]"
)
@click.option(
    "--budget",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SHARE",
    help="Operations to spend, as a share of the full network's over the whole image: 0.6, for example.",
)
@click.option("--speed", type=float, metavar="K", help="Prefer cheap branches: largest p / cost^K.  [default: 0]")
@click.option("--route-map", is_flag=True, help="Write which branch restored which part, as NAME.route.png.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
@options.device
def restore(
    model: str,
    inputs: tuple[Path, ...],
    output: Path | None,
    budget: float | None,
    speed: float | None,
    route_map: bool,
    force: bool,
    device: str,
) -> None:
    """Restore images IN... (files, or folders at any depth) with a trained model.

    Results are exactly scale times as large, 8 or 16 bit as the input; grey stays grey and alpha is kept.  Without
    -o, photo.jpg becomes photo-x4.jpg beside it (photo-restored.jpg where the size stays), and a folder photos
    becomes photos-x4.

    \b
    Examples:
      restoreroute restore photo.jpg
      restoreroute restore photo.jpg --budget 0.5 -o quick.png
      restoreroute restore --model denoise-dncnn-s25 photos/ -o restored/ --route-map
      restoreroute restore --model runs/sr_fsrcnn/model.safetensors photo.png -o photo-x4.png
    """
    from restoreroute.app.restore import restore_files
    from restoreroute.inference.seamless import Effort

    failed = 0
    if budget is not None and speed is not None:
        raise click.UsageError("--budget decides the speed itself: leave --speed out")
    effort = Effort(budget=budget, speed=speed or 0.0)
    for result in restore_files(model, inputs, output, effort=effort, route_map=route_map, force=force, device=device):
        if result.error is not None:
            failed = max(failed, result.error.exit_code)
            click.echo(f"error: {result.error}", err=True)
            continue
        routed = "/".join(f"{100 * share:.0f}" for share in result.shares)
        click.echo(f"{result.source} -> {result.output}  (shares {routed} %)")
    sys.exit(failed)
