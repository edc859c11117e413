"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

PATH = click.Path(path_type=Path)
DEFAULT_MODEL = "sr-fsrcnn-x4"

device = click.option(
    "--device", default="auto", show_default=True, help="Where to compute: auto, cpu, cuda, cuda:1, ..."
)
runtime = click.option(
    "--runtime", default="torch", show_default=True, help="What runs the branches; 'restoreroute list' names them."
)
baseline = click.option(
    "--baseline",
    type=PATH,
    help="Model file of the full network alone  [default: the one that comes with the model]",
)
crop = click.option("--crop", type=click.IntRange(min=8), metavar="N", help="Take the centre square of each photo.")
seed = click.option("--seed", default=0, show_default=True, help="Of random routes and random degradations.")
overrides = click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")


def complete_model(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """For the shell: names of installed models that begin so; where there is none, files."""
    from restoreroute.app.plugins import open_catalogue

    models = [offer for offer in open_catalogue().models if offer.name.startswith(incomplete)]
    return [CompletionItem(offer.name, help=offer.summary) for offer in models] or [
        CompletionItem(incomplete, type="file")
    ]


def model(*, default: str | None = None) -> Decorator:
    """``--model``, required where there is no default."""
    return click.option(
        "--model",
        default=default,
        required=default is None,
        show_default=default is not None,
        metavar="NAME|FILE",
        shell_complete=complete_model,
        help="An installed model ('restoreroute models' lists them), or a model file.",
    )
