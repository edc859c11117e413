"""``restoreroute models``."""

from __future__ import annotations

import click


@click.command()
@click.argument("name", required=False)
def models(name: str | None) -> None:
    """List the trained models that are installed, or show the card of NAME.

    \b
    Examples:
      restoreroute models
      restoreroute models sr-fsrcnn-x4
    """
    from restoreroute.app.plugins import open_catalogue

    shelf = open_catalogue().models
    if name is not None:
        click.echo(shelf.get(name).card.read_text(encoding="utf-8"))
        return
    for offer in shelf:
        size = offer.facts()["size"]
        click.echo(f"{offer.name:24} {size:>9}  {offer.summary}  [{shelf.provider(offer.name).distribution}]")
