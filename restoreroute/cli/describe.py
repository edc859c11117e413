"""``restoreroute describe``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from restoreroute.app.describe import Description


@click.command()
@click.argument("name")
def describe(name: str) -> None:
    """Say what NAME is: from whom, its options, and for a backbone family what its widths cost.

    \b
    Examples:
      restoreroute describe fsrcnn
      restoreroute describe super_resolution
    """
    from restoreroute.app.describe import describe as describe_name
    from restoreroute.app.plugins import open_catalogue

    for description in describe_name(name, open_catalogue()):
        _show(description)


def _show(description: Description) -> None:
    provider = description.provider
    click.echo(f"{description.kind} {description.name}: {description.summary}")
    click.echo(f"  from {provider.distribution} {provider.version}")
    for fact, value in description.facts.items():
        click.echo(f"  {fact}: {_words(value)}")
    if description.options:
        click.echo("  options:")
    for option in description.options:
        click.echo(f"    {option.name} ({option.type}; default {option.default}): {option.description}")
    if description.widths:
        click.echo(f"  cost of one 32 x 32 patch at scale {description.scale}, 2 per multiply-accumulate:")
        click.echo(f"    {'width':>6} {'parameters':>12} {'executed':>12} {'paper':>12}")
    for width in description.widths:
        executed, paper = (f"{count / 1e6:.2f} M" for count in (width.executed, width.paper))
        click.echo(f"    {width.width:>6} {width.parameters:>12} {executed:>12} {paper:>12}")


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value)
