"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path

import click

PATH = click.Path(path_type=Path)

device = click.option(
    "--device", default="auto", show_default=True, help="Where to compute: auto, cpu, cuda, cuda:1, ..."
)
overrides = click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
model = click.option("--model", required=True, type=PATH, help="A model file, e.g. runs/NAME/model.safetensors.")
