"""``restoreroute plugins``."""

from __future__ import annotations

import click


@click.command()
def plugins() -> None:
    """Show every plugin that was found, what it offers, and why it is not active if it isn't.

    Plugins named in the environment variable RESTOREROUTE_BLOCK (separated by commas) are not loaded.

    \b
    Examples:
      restoreroute plugins
      RESTOREROUTE_BLOCK=extra restoreroute plugins
    """
    from restoreroute.app.plugins import open_catalogue

    for record in open_catalogue().plugins:
        click.echo(f"{record.name}  {record.distribution} {record.version}  {record.status}")
        for kind, names in record.offers.items():
            click.echo(f"    {kind}: {', '.join(names)}")
        if record.error:
            click.echo(f"    {record.error}")
