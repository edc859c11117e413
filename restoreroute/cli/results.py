"""``restoreroute results``."""

from __future__ import annotations

from pathlib import Path

import click

from restoreroute.cli import options


@click.command()
@click.argument("runs", nargs=-1, required=True, type=options.PATH, metavar="RUN...")
@click.option("--markdown", is_flag=True, help="Print tables for a document.")
def results(runs: tuple[Path, ...], markdown: bool) -> None:
    """Show the results of finished runs RUN... (folders of runs, or results.json files) again.

    \b
    Examples:
      restoreroute results runs/sr_fsrcnn
      restoreroute results runs/* --markdown
    """
    from rich.console import Console

    from restoreroute.app.results import finished_run
    from restoreroute.reporting.tables import classes_markdown, classes_table, made_by, result_markdown, result_table

    console = Console()
    for path in runs:
        found = finished_run(path)
        remark = made_by(found)
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
