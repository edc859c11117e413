"""``restoreroute calibrate``."""

from __future__ import annotations

import click

from restoreroute.cli import options


@click.command()
@click.argument("models", nargs=-1, metavar="[MODEL...]")
@options.device
@options.runtime
def calibrate(models: tuple[str, ...], device: str, runtime: str) -> None:
    """Time the branches of each MODEL on this machine, so that images are cut to take the least time.

    A MODEL is an installed model or a model file.  What is found is kept for this machine, and `restore` uses it from
    then on; `restore --max-seconds` needs it.  It takes seconds for a small network and minutes for a large one, and
    nothing else should run meanwhile.

    \b
    Examples:
      restoreroute calibrate
      restoreroute calibrate runs/sr_carn/model.safetensors
    """
    from rich.console import Console

    from restoreroute.app.prices import calibrate as measure
    from restoreroute.reporting.console import ConsoleReporter

    with ConsoleReporter(Console(stderr=True)) as reporter:
        for model in models or (options.DEFAULT_MODEL,):
            click.echo(f"{model}: {measure(model, device=device, runtime=runtime, listen=reporter)}")
