"""Hidden colours are those of the nearest pixel that is seen."""

from __future__ import annotations

import numpy as np

from restoreroute.imaging.alpha import fill_hidden


def test_hidden_pixels_take_the_nearest_colour_within_reach() -> None:
    color = np.zeros((1, 12, 3), np.uint8)
    color[0, :2] = (10, 20, 30)
    color[0, 11] = (7, 7, 7)
    alpha = np.zeros((1, 12, 1), np.uint8)
    alpha[0, :2], alpha[0, 11] = 255, 1

    filled = fill_hidden(color, alpha, reach=3)

    assert filled[0, :, 0].tolist() == [10, 10, 10, 10, 10, 127, 127, 127, 7, 7, 7, 7]
    assert color[0, 2].tolist() == [0, 0, 0]  # the argument is left alone


def test_nothing_hidden_is_left_as_it_is() -> None:
    color = np.ones((4, 5, 1), np.float32)

    assert fill_hidden(color, np.ones((4, 5, 1), np.float32)) is color


def test_nothing_seen_is_grey() -> None:
    assert (fill_hidden(np.ones((4, 5, 1), np.float32), np.zeros((4, 5, 1), np.float32)) == 0.5).all()
