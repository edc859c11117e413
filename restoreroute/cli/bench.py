"""``restoreroute bench``."""

from __future__ import annotations

from pathlib import Path

import click

from restoreroute.cli import options


@click.command()
@click.argument("photo", type=options.PATH)
@click.argument("subjects", nargs=-1, required=True, metavar="SUBJECT...")
@click.option(
    "--shares",
    metavar="A/B/...",
    help="Per cent of the cells for each branch, cheapest first, by difficulty  [default: what the model decides]",
)
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(min=1), help="How often each way is timed.")
@options.crop
@click.option("--markdown", is_flag=True, help="Print Markdown tables.")
@click.option("--save", type=options.PATH, metavar="FILE", help="Write the timings as JSON.")
@options.device
@options.runtime
def bench(
    photo: Path,
    subjects: tuple[str, ...],
    shares: str | None,
    rounds: int,
    crop: int | None,
    markdown: bool,
    save: Path | None,
    device: str,
    runtime: str,
) -> None:
    """Time every way to restore PHOTO with each SUBJECT: an installed model, a model file, or a recipe.

    The networks of a recipe are timed untrained, with the shares that are asked for.  Ways run in turn in one process;
    the reference is the full network's best way over the whole image.  Nothing else should run meanwhile.

    \b
    Examples:
      restoreroute bench photo.jpg sr-fsrcnn-x4
      restoreroute bench photo.jpg recipes/paper/sr_carn.yml --shares 61/23/16 --crop 2048 --save timings.json
    """
    from rich.console import Console

    from restoreroute.app.bench import bench as time_ways
    from restoreroute.app.provenance import machine
    from restoreroute.reporting.console import ConsoleReporter
    from restoreroute.reporting.figures_file import BENCHES
    from restoreroute.reporting.tables import bench_markdown, bench_table

    wanted = None if shares is None else [percent / 100 for percent in _percents(shares)]
    console = Console()
    with ConsoleReporter(Console(stderr=True)) as reporter:
        found = [
            time_ways(
                photo,
                subject,
                wanted=wanted,
                rounds=rounds,
                crop=crop,
                device=device,
                runtime=runtime,
                listen=reporter,
            )
            for subject in subjects
        ]
    for one in found:
        if markdown:
            click.echo(bench_markdown(one))
        else:
            console.print(bench_table(one))
    if save is not None:
        BENCHES.save(save, found, machine=machine())


def _percents(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split("/")]
    except ValueError:
        raise click.BadParameter(f"{text!r} is not like 61/23/16", param_hint="--shares") from None
