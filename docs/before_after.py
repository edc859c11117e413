"""Draws docs/images/before-after.png: bicubic interpolation, the default model, and the original of a test photo.

python docs/before_after.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import restoreroute
from restoreroute.imaging.color import from_float, to_float
from restoreroute.imaging.io import read_image, write_image
from restoreroute.imaging.resize import resize

DOCS = Path(__file__).resolve().parent
PHOTO = DOCS.parent / "plugins" / "restoreroute_samples" / "photos" / "test" / "swallowtail-butterfly.webp"
MODEL = "sr-fsrcnn-x4"
TOP, LEFT, SIDE = 260, 420, 320
GAP = 8


def main() -> None:
    """Reduce the photo by 4, enlarge it in both ways, and put the same part of each side by side."""
    original = read_image(PHOTO)
    original = original[: len(original) // 4 * 4, : original.shape[1] // 4 * 4]
    reduced = from_float(resize(to_float(original), 0.25), np.uint8)
    interpolated = from_float(resize(to_float(reduced), 4), np.uint8)
    restored = restoreroute.load(MODEL).restore(reduced)
    parts = [image[TOP : TOP + SIDE, LEFT : LEFT + SIDE] for image in (interpolated, restored, original)]
    gap = np.full((SIDE, GAP, 3), 255, dtype=np.uint8)
    write_image(DOCS / "images" / "before-after.png", np.concatenate([parts[0], gap, parts[1], gap, parts[2]], axis=1))


if __name__ == "__main__":
    main()
