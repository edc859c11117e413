"""``restoreroute schema``."""

from __future__ import annotations

import json

import click


@click.command()
def schema() -> None:
    """Print the JSON schema of recipes, for editors.

    \b
    Examples:
      restoreroute schema > recipe.schema.json
      # and as the first line of a recipe:
      # yaml-language-server: $schema=recipe.schema.json
    """
    from restoreroute.app.plugins import open_catalogue
    from restoreroute.recipe.json_schema import json_schema

    click.echo(json.dumps(json_schema(open_catalogue()), indent=2))
