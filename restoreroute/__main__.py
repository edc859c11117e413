"""``python -m restoreroute``."""

from __future__ import annotations

from restoreroute.cli.main import main

if __name__ == "__main__":
    main()
