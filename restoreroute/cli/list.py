"""``restoreroute list``."""

from __future__ import annotations

import click


@click.command(name="list")
def list_() -> None:
    """List everything that recipes can name, kind by kind.

    \b
    Examples:
      restoreroute list
    """
    from restoreroute.app.plugins import open_catalogue

    for shelf in open_catalogue().shelves:
        click.echo(f"{shelf.kind}:")
        for offer in shelf:
            click.echo(f"    {offer.name:24} {offer.summary}  [{shelf.provider(offer.name).distribution}]")
