"""Resizing and metrics against values that the field's reference implementations gave."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from restoreroute.imaging.io import read_image
from restoreroute.imaging.metrics import psnr, psnr_y, ssim, ssim_y
from restoreroute.imaging.resize import resize

SCALES = {
    "0.2500": 1 / 4,
    "0.3333": 1 / 3,
    "0.5000": 1 / 2,
    "0.6000": 0.6,
    "0.7000": 0.7,
    "0.8000": 0.8,
    "0.9000": 0.9,
    "2.0000": 2.0,
    "3.0000": 3.0,
    "4.0000": 4.0,
}


def test_every_golden_scale_is_tested(golden: Path) -> None:
    names = set(load_file(golden / "matlab_bicubic.safetensors"))
    assert names == {"image", *(f"resize_{name}" for name in SCALES)}


@pytest.mark.parametrize("name", SCALES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_resize(golden: Path, name: str, dtype: type[np.float32]) -> None:
    tensors = load_file(golden / "matlab_bicubic.safetensors")
    image = tensors["image"].transpose(1, 2, 0).astype(dtype)
    expected = tensors[f"resize_{name}"].transpose(1, 2, 0)
    result = resize(image, SCALES[name])
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("crop_border", [0, 4])
@pytest.mark.parametrize(
    ("name", "metric", "tolerance"),
    [
        ("psnr_rgb", psnr, 1e-9),
        ("psnr_y", psnr_y, 1e-6),
        ("ssim_rgb", ssim, 1e-9),
        ("ssim_y", ssim_y, 1e-7),
    ],
)
def test_metrics(golden: Path, crop_border: int, name: str, metric: Callable[..., float], tolerance: float) -> None:
    clean = read_image(golden / "metric_clean.png")
    noisy = read_image(golden / "metric_noisy.png")
    expected = json.loads((golden / "metrics.json").read_text())[f"crop_border_{crop_border}"]
    result = metric(clean, noisy, data_range=255, crop_border=crop_border)
    assert result == pytest.approx(expected[name], abs=tolerance)
