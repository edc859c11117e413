"""``restoreroute export``."""

from __future__ import annotations

from pathlib import Path

import click

from restoreroute.cli import options


@click.command()
@options.model(default=options.DEFAULT_MODEL)
@click.argument("folder", type=options.PATH)
@click.option("--force", is_flag=True, help="Replace an export that is there already.")
def export(model: str, folder: Path, force: bool) -> None:
    """Write a model for other programs: each branch and the Class-Module as ONNX, and routing.json.

    Batch, height and width of every network are free.  routing.json says what a cell is, how the Class-Module's logits
    become a route, and which file is which branch.

    \b
    Examples:
      restoreroute export --model sr-fsrcnn-x4 onnx/
      restoreroute export --model runs/sr_carn/model.safetensors exported
    """
    from restoreroute.app.export import export_model

    for file in export_model(model, folder, force=force):
        click.echo(str(file))
