"""What is installed: the catalogue of this environment."""

from __future__ import annotations

import os

from restoreroute.plugin.catalogue import Catalogue
from restoreroute.plugin.host import PluginHost
from restoreroute.plugin.origin import BLOCK_VARIABLE, parse_block


def open_catalogue() -> Catalogue:
    """Discover all plugins but the blocked ones."""
    return PluginHost.discover(block=parse_block(os.environ.get(BLOCK_VARIABLE, ""))).catalogue()
