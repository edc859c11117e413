"""``restoreroute check``."""

from __future__ import annotations

from pathlib import Path

import click

from restoreroute.cli import options


@click.command()
@click.argument("recipe", type=options.PATH)
@options.overrides
def check(recipe: Path, overrides: tuple[str, ...]) -> None:
    """Say everything that is wrong with RECIPE, with file, line and column; run nothing.

    \b
    Examples:
      restoreroute check recipes/sr_fsrcnn.yml
      restoreroute check my.yml stages.joint.lr=1e-4
    """
    from restoreroute.app.plugins import open_catalogue
    from restoreroute.recipe.resolve import load_recipe

    plan = load_recipe(recipe, open_catalogue(), overrides)
    branches = ", ".join(branch.name for branch in plan.branches)
    click.echo(f"{recipe}: fine ({plan.task.offer.name} at scale {plan.task.bound.scale}; branches {branches})")
