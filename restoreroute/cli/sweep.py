"""``restoreroute sweep``."""

from __future__ import annotations

from pathlib import Path

import click

from restoreroute.cli import options

BUDGETS = "0.4,0.5,0.6,0.7,0.8,0.9,1"


@click.command()
@options.model()
@click.argument("images", type=options.PATH)
@options.overrides
@click.option(
    "--budgets",
    default=BUDGETS,
    show_default=True,
    metavar="SHARES",
    help="Operations to spend, as shares of the full network's over the whole image.",
)
@click.option(
    "--degraded",
    type=options.PATH,
    metavar="DIR",
    help="Degraded versions of IMAGES, under the same names, instead of those that the task makes.",
)
@options.baseline
@options.crop
@options.seed
@click.option("--save", type=options.PATH, metavar="FILE", help="Write the figures as JSON.")
@click.option("--plot", type=options.PATH, metavar="PNG", help="Draw the curve.")
@click.option("--markdown", is_flag=True, help="Print the table for a document.")
@options.device
def sweep(
    model: str,
    images: Path,
    overrides: tuple[str, ...],
    budgets: str,
    degraded: Path | None,
    baseline: Path | None,
    crop: int | None,
    seed: int,
    save: Path | None,
    plot: Path | None,
    markdown: bool,
    device: str,
) -> None:
    """Measure what a model's quality is for what it may spend, on the clean images below the folder IMAGES.

    Nothing is trained anew: a budget is met by what cells are sent to, as restore --budget does it.

    \b
    Examples:
      restoreroute sweep --model sr-fsrcnn-x4 ~/Test2K
      restoreroute sweep --model sr-fsrcnn-x4 ~/Test4K --budgets 0.5,0.6,0.7 --crop 1024 --plot curve.png
    """
    from rich.console import Console

    from restoreroute.app.provenance import machine
    from restoreroute.app.sweep import sweep_model
    from restoreroute.reporting.console import ConsoleReporter
    from restoreroute.reporting.curves import draw_sweep
    from restoreroute.reporting.figures_file import SWEEPS
    from restoreroute.reporting.tables import sweep_markdown, sweep_table

    with ConsoleReporter(Console(stderr=True)) as reporter:
        result = sweep_model(
            model,
            images,
            _shares(budgets),
            degraded=degraded,
            baseline=baseline,
            overrides=overrides,
            crop=crop,
            seed=seed,
            device=device,
            listen=reporter,
        )
    if markdown:
        click.echo(sweep_markdown(result))
    else:
        Console().print(sweep_table(result))
    if save is not None:
        SWEEPS.save(save, [result], machine=machine())
        click.echo(f"figures: {save}")
    if plot is not None:
        draw_sweep(result, plot)
        click.echo(f"curve: {plot}")


def _shares(text: str) -> list[float]:
    try:
        shares = [float(part) for part in text.split(",")]
    except ValueError:
        shares = []
    if not shares or min(shares) <= 0:
        raise click.BadParameter(f"{text!r} is not like 0.5,0.6,0.7", param_hint="--budgets")
    return shares
