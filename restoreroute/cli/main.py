"""The command line: one verb per file, heavy imports inside the verbs."""

from __future__ import annotations

import logging
import sys

import click

from restoreroute.cli.bench import bench
from restoreroute.cli.calibrate import calibrate
from restoreroute.cli.check import check
from restoreroute.cli.convert import convert
from restoreroute.cli.describe import describe
from restoreroute.cli.evaluate import evaluate
from restoreroute.cli.export import export
from restoreroute.cli.list import list_
from restoreroute.cli.models import models
from restoreroute.cli.plugins import plugins
from restoreroute.cli.restore import restore
from restoreroute.cli.results import results
from restoreroute.cli.run import run
from restoreroute.cli.schema import schema
from restoreroute.cli.sweep import sweep
from restoreroute.errors import RestorerouteError
from restoreroute.inference.memory import reuse_memory

INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="restoreroute")
def cli(debug: bool) -> None:
    """Routed image restoration: computation where the image needs it.

    \b
    Examples:
      restoreroute restore photo.jpg
      restoreroute run recipes/sr_fsrcnn.yml
      restoreroute describe fsrcnn
    """


VERBS = (
    *(run, check, results, schema, restore, calibrate, evaluate, sweep, bench),
    *(convert, export, models, plugins, list_, describe),
)
for verb in VERBS:
    cli.add_command(verb)


def main() -> None:
    """Run the command line; errors become one line each and an exit code (2 wrong input, 1 failed run)."""
    debug = "--debug" in sys.argv
    reuse_memory()
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # its complaints come back as errors of ours
    try:
        code = cli(standalone_mode=False)
    except RestorerouteError as error:
        if debug:
            raise
        click.echo(f"error: {error}", err=True)
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = INTERRUPTED
    except Exception as error:
        if debug:
            raise
        click.echo(f"error: {type(error).__name__}: {error} (run with --debug for the traceback)", err=True)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)
