"""``restoreroute results``."""

from __future__ import annotations

from pathlib import Path

import click

from restoreroute.cli import options


@click.command()
@click.argument("runs", nargs=-1, required=True, type=options.PATH, metavar="RUN...")
@click.option("--markdown", is_flag=True, help="Print tables for a document.")
@click.option("--curves", type=options.PATH, metavar="PNG", help="Draw the routing of all runs into one picture.")
def results(runs: tuple[Path, ...], markdown: bool, curves: Path | None) -> None:
    """Show the results of finished runs RUN... (folders of runs, or results.json files) again.

    \b
    Examples:
      restoreroute results runs/sr_fsrcnn
      restoreroute results runs/* --markdown
      restoreroute results runs/all_losses runs/without_class_loss --curves losses.png
    """
    from rich.console import Console

    from restoreroute.app.results import finished_run
    from restoreroute.reporting.curves import draw_curves
    from restoreroute.reporting.tables import (
        classes_markdown,
        classes_table,
        made_by,
        preference_facts,
        result_markdown,
        result_table,
    )

    console = Console()
    finished = [finished_run(path) for path in runs]
    for found in finished:
        remark = made_by(found)
        if (preference := found.results.preference) is not None:
            remark += f"\npreference: {preference_facts(preference)}"
        if markdown:
            click.echo(f"{remark}\n")
        else:
            console.print(f"\n{remark}", highlight=False)
        for result in found.results.sets:
            if markdown:
                click.echo(result_markdown(result))
            else:
                console.print(result_table(result))
        if (classes := found.results.classes) is not None:
            if markdown:
                click.echo(classes_markdown(classes))
            else:
                console.print(classes_table(classes))
    if curves is not None:
        drawn = draw_curves([found.results for found in finished], curves)
        click.echo(f"curves: {curves}" if drawn else "no run has routing to draw")
