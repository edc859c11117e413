"""What a network alone minimises, against other implementations and values known from theory."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage
from skimage.metrics import structural_similarity
from torch import Tensor

from restoreroute.spec.stages import BaselineStage
from restoreroute.training.image_losses import ImageLoss, amplitude_distance, charbonnier, ms_ssim

LOSSES = [charbonnier, amplitude_distance, lambda restored, clean: 1 - ms_ssim(restored, clean)]
each_loss = pytest.mark.parametrize("loss", LOSSES, ids=["charbonnier", "fft", "ms_ssim"])


def soft(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    """An image H x W x C in [0, 1] whose neighbours are alike."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), (1.5, 1.5, 0))
    return ((noise - noise.min()) / np.ptp(noise)).astype(np.float32)


def noisy(image: NDArray[np.float32], sigma: float = 0.1) -> NDArray[np.float32]:
    noise = np.random.default_rng(1).normal(0, sigma, image.shape)
    return np.clip(image + noise, 0, 1).astype(np.float32)


def batch(*images: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


def reference_ms_ssim(first: NDArray[np.float64], second: NDArray[np.float64], scales: int) -> float:
    """As its authors describe it, for one grey image."""
    exponents = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])[:scales]
    product = 1.0
    for scale, exponent in enumerate(exponents / exponents.sum()):
        if scale:
            first, second = (
                image.reshape(image.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3)) for image in (first, second)
            )

        def mean(image: NDArray[np.float64]) -> NDArray[np.float64]:
            return ndimage.gaussian_filter(image, 1.5, radius=5)[5:-5, 5:-5]

        a, b = mean(first), mean(second)
        covariance = mean(first * second) - a * b
        variances = mean(first**2) - a**2 + mean(second**2) - b**2
        values = (2 * covariance + 0.03**2) / (variances + 0.03**2)
        if scale == scales - 1:
            values = values * (2 * a * b + 0.01**2) / (a**2 + b**2 + 0.01**2)
        product *= values.mean() ** exponent
    return product


class TestCharbonnier:
    def test_large_differences_count_as_they_are_and_none_counts_the_rounding(self) -> None:
        clean = torch.zeros(1, 3, 4, 4)
        assert charbonnier(clean + 0.5, clean).item() == pytest.approx(0.5, abs=2e-6)
        assert charbonnier(clean, clean).item() == pytest.approx(1e-3)
        assert charbonnier(clean - 1e-3, clean).item() == pytest.approx(math.sqrt(2) * 1e-3)


class TestAmplitudes:
    def test_a_brighter_image_differs_in_its_mean_alone(self) -> None:
        clean = batch(soft(8, 6, 3))
        change = 0.25 * math.sqrt(8 * 6)  # of the one amplitude, of 8 * 4 that there are
        assert amplitude_distance(clean + 0.25, clean).item() == pytest.approx(change / (8 * 4), rel=1e-3)

    def test_a_shift_around_the_border_counts_nothing(self) -> None:
        clean = batch(soft(16, 16, 3))
        assert amplitude_distance(clean.roll((3, 5), dims=(2, 3)), clean).item() == pytest.approx(0, abs=1e-6)

    @pytest.mark.parametrize("side", [16, 64, 128])
    def test_noise_counts_alike_in_every_size(self, side: int) -> None:
        """Amplitudes of white noise are Rayleigh distributed: their mean is its deviation times sqrt(pi) / 2."""
        noise = 0.1 * torch.randn(64, 3, side, side, generator=torch.Generator().manual_seed(0))
        distance = amplitude_distance(noise, torch.zeros_like(noise)).item()
        assert distance == pytest.approx(0.1 * math.sqrt(math.pi) / 2, rel=0.02)


class TestSimilarity:
    @pytest.mark.parametrize("size", [(11, 11), (20, 21), (21, 64)])
    @pytest.mark.parametrize("sigma", [0.02, 0.3])
    def test_one_scale_is_that_of_scikit_image(self, size: tuple[int, int], sigma: float) -> None:
        clean = soft(*size, 3)
        restored = noisy(clean, sigma)
        expected = structural_similarity(
            restored.astype(np.float64),
            clean.astype(np.float64),
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=1,
            channel_axis=2,
        )
        assert ms_ssim(batch(restored), batch(clean)).item() == pytest.approx(expected, abs=1e-4)

    @pytest.mark.parametrize(("side", "scales"), [(22, 2), (40, 2), (44, 3), (96, 4), (176, 5), (384, 5)])
    def test_as_many_scales_as_fit(self, side: int, scales: int) -> None:
        clean = soft(side, 384, 1)
        restored = noisy(clean)
        expected = reference_ms_ssim(restored[..., 0].astype(float), clean[..., 0].astype(float), scales)
        assert 0.1 < expected < 0.99
        assert ms_ssim(batch(restored), batch(clean)).item() == pytest.approx(expected, abs=1e-4)

    def test_a_batch_is_the_mean_of_its_images_and_channels(self) -> None:
        clean = [soft(48, 48, 3, seed=seed) for seed in (0, 1)]
        restored = [noisy(clean[0]), noisy(clean[1], 0.3)]
        single = [
            ms_ssim(batch(one[..., channel : channel + 1]), batch(other[..., channel : channel + 1])).item()
            for one, other in zip(restored, clean, strict=True)
            for channel in range(3)
        ]
        assert ms_ssim(batch(*restored), batch(*clean)).item() == pytest.approx(np.mean(single), abs=1e-5)

    @pytest.mark.parametrize("side", [1, 8, 50])
    def test_equal_images_are_one_in_any_size(self, side: int) -> None:
        clean = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))
        assert ms_ssim(clean, clean).item() == pytest.approx(1, abs=1e-5)

    def test_opposite_images_are_next_to_nothing_and_finite(self) -> None:
        clean = torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(0))
        restored = (1 - clean).requires_grad_()
        similarity = ms_ssim(restored, clean)
        similarity.backward()  # type: ignore[no-untyped-call]
        assert 0 < similarity.item() < 0.1
        assert restored.grad is not None
        assert restored.grad.isfinite().all()


@each_loss
@pytest.mark.parametrize("value", [None, 0.0, 1.0], ids=["equal", "black", "white"])
def test_gradients_are_finite_where_nothing_differs(
    loss: Callable[[Tensor, Tensor], Tensor], value: float | None
) -> None:
    clean = batch(soft(24, 24, 3)) if value is None else torch.full((1, 3, 24, 24), value)
    restored = clean.clone().requires_grad_()
    loss(restored, clean).backward()  # type: ignore[no-untyped-call]
    assert restored.grad is not None
    assert restored.grad.abs().max() < 1e-3


@each_loss
def test_descent_restores(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    clean = soft(32, 32, 3)
    restored = batch(noisy(clean)).requires_grad_()
    target = batch(clean)
    first = loss(restored, target)
    (gradient,) = torch.autograd.grad(first, restored)
    with torch.no_grad():
        moved = restored - 0.01 * gradient / gradient.abs().max()
    assert loss(moved, target) < first


class TestComposition:
    def test_the_main_loss_alone(self) -> None:
        clean = batch(soft(32, 32, 3))
        for name, expected in (("l1", 0.1), ("mse", 0.01), ("charbonnier", math.sqrt(0.01 + 1e-6))):
            terms = ImageLoss.from_options(BaselineStage(loss=name))(clean + 0.1, clean)
            assert terms.keys() == {"total", "image"}
            assert terms["total"] is terms["image"]
            assert terms["image"].item() == pytest.approx(expected, rel=1e-4)

    def test_weighted_terms_are_added_and_reported_without_their_weight(self) -> None:
        clean, restored = batch(soft(48, 48, 3)), batch(noisy(soft(48, 48, 3)))
        loss = ImageLoss.from_options(BaselineStage(loss="charbonnier", fft=0.05, ms_ssim=2.0))

        terms = loss(restored, clean)

        assert terms.keys() == {"total", "image", "fft", "ms_ssim"}
        assert terms["image"] == charbonnier(restored, clean)
        assert terms["fft"] == amplitude_distance(restored, clean)
        assert terms["ms_ssim"] == 1 - ms_ssim(restored, clean)
        expected = terms["image"] + 0.05 * terms["fft"] + 2 * terms["ms_ssim"]
        torch.testing.assert_close(terms["total"], expected)

    @pytest.mark.parametrize("weight", ["fft", "ms_ssim"])
    def test_one_further_term(self, weight: str) -> None:
        clean = batch(soft(32, 32, 3))
        options = BaselineStage.model_validate({weight: 1.0})
        assert ImageLoss.from_options(options)(clean + 0.1, clean).keys() == {"total", "image", weight}
