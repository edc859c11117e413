"""Draws docs/images/before-after.png: bicubic interpolation, the default model, and the original of a test photo.

    python docs/before_after.py

Run it again when another model ships by that name.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import restoreroute
from restoreroute.data.pairs import degraded_of, read_clean
from restoreroute.imaging.color import from_float, to_float
from restoreroute.imaging.io import write_image

DOCS = Path(__file__).resolve().parent
PHOTO = DOCS.parent / "plugins" / "restoreroute_samples" / "photos" / "test" / "swallowtail-butterfly.webp"
MODEL = "sr-fsrcnn-x4"
TOP, LEFT, SIDE = 260, 420, 320
GAP = 8


def main() -> None:
    """Degrade the photo, enlarge it in both ways, and put the same part of each side by side."""
    restorer = restoreroute.load(MODEL)
    task = restorer.model.task.bound
    original = read_clean(PHOTO, task)
    degraded = degraded_of(original, task)
    if degraded is None:
        raise ValueError(f"{MODEL} is of a task that degrades at random")
    interpolated = from_float(task.interpolate(to_float(degraded)), np.uint8)
    parts = [
        image[TOP : TOP + SIDE, LEFT : LEFT + SIDE] for image in (interpolated, restorer.restore(degraded), original)
    ]
    gap = np.full((SIDE, GAP, 3), 255, dtype=np.uint8)
    write_image(DOCS / "images" / "before-after.png", np.concatenate([parts[0], gap, parts[1], gap, parts[2]], axis=1))


if __name__ == "__main__":
    main()
