"""The two protocols."""

from __future__ import annotations

import math

import numpy as np
import pytest

from restoreroute.errors import InputError
from restoreroute.evaluation.protocols import ClasssrProtocol, WholeProtocol, compare, make_protocol
from restoreroute.inference.tiles import cell_tiles, classsr_tiles


def test_they_are_known_by_name() -> None:
    classsr = make_protocol("classsr", patch=32, stride=28, crop_border=2)
    assert classsr == ClasssrProtocol(patch=32, stride=28, crop_border=4)  # the paper's border, not the task's
    whole = make_protocol("whole", patch=32, stride=28, crop_border=2)
    assert whole == WholeProtocol(patch=32, cell=28, crop_border=2)
    assert classsr.single_is_tiled()
    assert not whole.single_is_tiled()
    with pytest.raises(InputError, match=r"unknown evaluation protocol 'paper'.*known: classsr, whole"):
        make_protocol("paper", patch=32, stride=28, crop_border=4)


def test_their_tiles() -> None:
    classsr = make_protocol("classsr", patch=32, stride=28, crop_border=4)
    assert classsr.tiles(120, 160) == classsr_tiles(120, 160, patch=32, stride=28)
    whole = make_protocol("whole", patch=32, stride=28, crop_border=4)
    assert whole.tiles(120, 160) == cell_tiles(120, 160, cell=28, halo=2)


def test_classsr_compares_what_is_covered_and_does_not_round() -> None:
    clean = np.zeros((40, 50, 3), np.float32)
    clean[36:] = clean[:, 44:] = 1  # cut off
    restored = np.full((36, 44, 3), 0.3 / 255, np.float32)
    restored[:4] = restored[:, -4:] = 0.9  # border
    quality = make_protocol("classsr", patch=32, stride=28, crop_border=2).quality(restored, clean)
    assert quality.psnr_rgb == pytest.approx(20 * math.log10(255 / 0.3), abs=1e-4)


def test_whole_compares_eight_bit_images() -> None:
    clean = np.zeros((40, 50, 3), np.float32)
    restored = np.full((40, 50, 3), 0.3 / 255, np.float32)
    restored[:2] = restored[:, -2:] = 0.9  # border
    whole = make_protocol("whole", patch=32, stride=28, crop_border=2)
    assert whole.quality(restored, clean).psnr_rgb == math.inf
    restored[10, 10] = -3  # clipped
    assert whole.quality(restored, clean).psnr_rgb == math.inf


def test_grey_images_have_no_luma_of_their_own() -> None:
    generator = np.random.default_rng(0)
    quality = compare(generator.random((30, 30, 1)) * 255, generator.random((30, 30, 1)) * 255, crop_border=4)
    assert quality.psnr_y is None
    assert quality.ssim is not None


@pytest.mark.parametrize(("side", "measured"), [(18, False), (19, True)])
def test_ssim_needs_eleven_pixels_inside_the_border(side: int, measured: bool) -> None:
    image = np.full((side, 30, 3), 7, np.uint8)
    quality = compare(image, image, crop_border=4)
    assert (quality.ssim is not None) is measured
    assert quality.psnr_rgb == quality.psnr_y == math.inf
