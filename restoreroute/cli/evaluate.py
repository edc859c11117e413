"""``restoreroute evaluate``."""

from __future__ import annotations

from pathlib import Path

import click

from restoreroute.cli import options


@click.command()
@options.model()
@click.argument("arguments", nargs=-1, required=True, metavar="IMAGES... [KEY=VALUE]...")
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    default=("classsr", "whole"),
    show_default=True,
    type=click.Choice(["classsr", "whole"]),
    help="classsr: the paper's patches; whole: exact size, everything counted. May be given twice.",
)
@click.option(
    "--degraded",
    multiple=True,
    type=options.PATH,
    metavar="DIR",
    help="Degraded versions of IMAGES, under the same names, instead of those that the task makes. Once for each.",
)
@options.baseline
@options.crop
@options.seed
@click.option("--save", type=options.PATH, metavar="FILE", help="Write the figures as a results.json.")
@click.option("--markdown", is_flag=True, help="Print tables for a document.")
@options.device
def evaluate(
    model: str,
    arguments: tuple[str, ...],
    protocols: tuple[str, ...],
    degraded: tuple[Path, ...],
    baseline: Path | None,
    crop: int | None,
    seed: int,
    save: Path | None,
    markdown: bool,
    device: str,
) -> None:
    """Measure a model on the clean images below each of the folders IMAGES.

    Options of the model's task can be set by KEY=VALUE, to degrade images in another way than in training.

    \b
    Examples:
      restoreroute evaluate --model sr-fsrcnn-x4 ~/Set5 ~/Set14 --save figures.json
      restoreroute evaluate --model runs/sr_fsrcnn/model.safetensors ~/Test2K --protocol classsr --markdown
      restoreroute evaluate --model runs/sr_rcan/model.safetensors ~/DIV8K --crop 1024
      restoreroute evaluate --model runs/denoise_dncnn/model.safetensors ~/Set14 task.sigma=15
      restoreroute evaluate --model runs/scans/model.safetensors ~/test/clean --degraded ~/test/scanned
    """
    from rich.console import Console

    from restoreroute.app.evaluate import evaluate_model
    from restoreroute.reporting.console import ConsoleReporter
    from restoreroute.reporting.tables import result_markdown, result_table

    console = Console()
    overrides = [argument for argument in arguments if "=" in argument and not Path(argument).is_dir()]
    if len(overrides) == len(arguments):
        raise click.UsageError("name a folder of images")
    with ConsoleReporter(Console(stderr=True)) as reporter:
        results = evaluate_model(
            model,
            [Path(argument) for argument in arguments if argument not in overrides],
            protocols=protocols,
            degraded=degraded,
            baseline=baseline,
            overrides=overrides,
            crop=crop,
            seed=seed,
            device=device,
            save=save,
            listen=reporter,
        )
    for result in results:
        if markdown:
            click.echo(result_markdown(result))
        else:
            console.print(result_table(result))
