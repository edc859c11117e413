"""``restoreroute run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from restoreroute.cli import options

if TYPE_CHECKING:
    from rich.console import Console


@click.command()
@click.argument("recipe", type=options.PATH)
@options.overrides
@click.option(
    "--runs",
    default=Path("runs"),
    show_default=True,
    type=options.PATH,
    help="Folder that gets one folder per run.",
)
@click.option("--fresh", is_flag=True, help="Start over instead of going on from the last checkpoint.")
@click.option("--dry-run", is_flag=True, help="Build everything, run one batch of each stage, print plan and cost.")
@options.device
def run(recipe: Path, overrides: tuple[str, ...], runs: Path, fresh: bool, dry_run: bool, device: str) -> None:
    """Run RECIPE to its end: data, training, evaluation.

    A run that was stopped goes on from its last checkpoint; a finished stage is not repeated unless something
    that it depends on has changed.

    \b
    Examples:
      restoreroute run recipes/sr_fsrcnn.yml
      restoreroute run recipes/sr_fsrcnn.yml --dry-run
      restoreroute run recipes/sr_fsrcnn.yml name=photos data.train=~/photos stages.joint.lr=1e-4
    """
    from rich.console import Console

    console = Console()
    if dry_run:
        _show_dry_run(console, recipe, overrides, device)
        return

    from restoreroute.app.run import run_recipe
    from restoreroute.reporting.console import ConsoleReporter
    from restoreroute.reporting.tables import classes_table, preference_facts, result_table

    try:
        with ConsoleReporter(console) as reporter:
            results = run_recipe(recipe, overrides=overrides, runs=runs, fresh=fresh, device=device, listen=reporter)
    except KeyboardInterrupt:
        console.print("stopped; the same command goes on from the last checkpoint")
        raise
    for result in results.sets:
        console.print(result_table(result))
    if results.classes is not None:
        console.print(classes_table(results.classes))
    if results.preference is not None:
        console.print(f"preference: {preference_facts(results.preference)}", highlight=False)


def _show_dry_run(console: Console, recipe: Path, overrides: tuple[str, ...], device: str) -> None:
    from restoreroute.app.dry_run import dry_run
    from restoreroute.reporting.console import ConsoleReporter
    from restoreroute.reporting.tables import cost_table, schedule_table

    with ConsoleReporter(console) as reporter:
        found = dry_run(recipe, overrides=overrides, device=device, listen=reporter)
    plan = found.plan
    images = ", ".join(f"{count} {split}" for split, count in found.images.items())
    console.print(f"{plan.name}: {plan.task.offer.name} at scale {plan.task.bound.scale}; photos: {images}")
    console.print(
        cost_table(
            plan.branches,
            found.costs,
            found.class_module,
            patch=plan.routing.patch,
            stride=plan.routing.stride,
        )
    )
    console.print(schedule_table(plan.stages, plan.stage_names))
    console.print("One batch of every stage ran. Nothing was written.")
