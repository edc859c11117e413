"""How TIFF files are written, whole or by tiles."""

from __future__ import annotations

from typing import Any

import tifffile

from restoreroute.imaging.metadata import Metadata


def tiff_options(channels: int, metadata: Metadata) -> dict[str, Any]:
    """Options of tifffile: deflate with horizontal prediction; alpha is declared as not premultiplied."""
    return {
        "photometric": "rgb" if channels >= 3 else "minisblack",
        "planarconfig": "contig" if channels > 1 else None,
        "extrasamples": ["unassalpha"] if channels in (2, 4) else None,
        "compression": "zlib",
        "predictor": True,
        "metadata": None,
        "iccprofile": metadata.icc,
        "resolution": metadata.dpi,
        "resolutionunit": None if metadata.dpi is None else tifffile.RESUNIT.INCH,
    }
