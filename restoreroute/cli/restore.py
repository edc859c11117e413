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
    "-o", "--output", type=options.PATH, help="A file for one input, or a folder  [default: beside the input]"
)
@click.option(
    "--budget",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SHARE",
    help="Operations that may be spent, as a share of the full network's over the whole image: 0.6, for example.",
)
@click.option(
    "--max-seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Time that the networks may take for an image, by what `restoreroute calibrate` measured.",
)
@click.option(
    "--speed", type=float, metavar="K", help="Prefer cheap branches: largest p / cost^K.  [default: the model's own]"
)
@click.option("--route-map", is_flag=True, help="Write which branch restored which part, as NAME.route.png.")
@click.option("--force", is_flag=True, help="Replace results that are there already.")
@click.option("--skip-done", is_flag=True, help="Leave out images whose result is there already: goes on after a stop.")
@options.device
@options.runtime
def restore(
    model: str,
    inputs: tuple[Path, ...],
    output: Path | None,
    budget: float | None,
    max_seconds: float | None,
    speed: float | None,
    route_map: bool,
    force: bool,
    skip_done: bool,
    device: str,
    runtime: str,
) -> None:
    """Restore images and videos IN... (files, patterns, or folders of images at any depth) with a trained model.

    Results are exactly scale times as large, 8 or 16 bit as the input, with its colour profile, EXIF and resolution;
    grey stays grey and alpha is kept.  Without -o, photo.jpg becomes photo-x4.jpg beside it (photo-restored.jpg where
    the size stays), and a folder photos becomes photos-x4.  Videos keep their rate and their sound;
    they need the package imageio-ffmpeg.

    \b
    Examples:
      restoreroute restore photo.jpg
      restoreroute restore photo.jpg --budget 0.5 -o quick.png
      restoreroute restore photos/ -o restored/ --route-map --skip-done
      restoreroute restore film.mp4 -o film-x4.mp4
      restoreroute restore --model runs/sr_fsrcnn/model.safetensors photo.png -o photo-x4.png
    """
    from rich.console import Console

    from restoreroute.app.restore import Existing, restore_files
    from restoreroute.inference.seamless import Effort
    from restoreroute.reporting.console import ConsoleReporter

    if sum(option is not None for option in (budget, max_seconds, speed)) > 1:
        raise click.UsageError("--budget, --max-seconds and --speed each decide the routes: give one of them")
    if force and skip_done:
        raise click.UsageError("--force replaces what --skip-done would skip: leave one of them out")
    restored, skipped, errors = 0, 0, []
    with ConsoleReporter(Console(stderr=True)) as reporter:
        for result in restore_files(
            model,
            inputs,
            output,
            effort=Effort(budget=budget, seconds=max_seconds, speed=speed),
            route_map=route_map,
            existing=Existing.REPLACE if force else Existing.SKIP if skip_done else Existing.REFUSE,
            device=device,
            runtime=runtime,
            listen=reporter,
        ):
            if result.error is not None:
                errors.append(result.error)
                continue
            skipped += result.skipped
            restored += not result.skipped
            if not result.skipped:
                routed = "/".join(f"{100 * share:.0f}" for share in result.shares)
                speed_reached = f"{result.megapixels:.1f} MP, {result.megapixels / result.seconds:.1f} MP/s"
                click.echo(f"{result.source} -> {result.output}  ({speed_reached}, shares {routed} %)")
    if restored + skipped + len(errors) > 1:
        parts = {"restored": restored, "skipped": skipped, "failed": len(errors)}
        click.echo(", ".join(f"{count} {word}" for word, count in parts.items() if count))
    for error in errors:
        click.echo(f"error: {error}", err=True)
    sys.exit(max((error.exit_code for error in errors), default=0))
