"""Difficulty estimators: what is harder to restore scores higher."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

import restoreroute_difficulty
from restoreroute.spec.difficulty import DifficultyEstimator
from restoreroute_difficulty import NetworkOptions
from restoreroute_tasks.super_resolution import SUPER_RESOLUTION, SuperResolutionOptions

Images = NDArray[np.float32]
TASK = SUPER_RESOLUTION.build(SuperResolutionOptions(scale=2))


@dataclass
class FakeReferences:
    """Restores by the task's interpolation; a network repeats pixels.  Notes what was asked for."""

    asked: list[str | None] = field(default_factory=list)

    def interpolation(self) -> Callable[[Images], Images]:
        self.asked.append("interpolation")
        return lambda batch: np.stack([TASK.interpolate(image) for image in batch])

    def network(self, model: str | None) -> Callable[[Images], Images]:
        self.asked.append(model)
        return lambda batch: batch.repeat(2, axis=1).repeat(2, axis=2)


@pytest.fixture
def estimators() -> dict[str, DifficultyEstimator]:
    return {offer.name: offer for offer in restoreroute_difficulty.restoreroute_difficulty_estimators()}


@pytest.fixture
def clean() -> Images:
    """Flat, a ramp, soft waves, noise: easy to hard."""
    flat = np.full((16, 16, 3), 0.5)
    ramp = np.broadcast_to(np.linspace(0.2, 0.6, 16)[:, None, None], flat.shape)
    waves = np.broadcast_to(0.5 + 0.3 * np.sin(np.arange(16) * 1.2)[:, None, None], flat.shape)
    noise = np.random.default_rng(0).random((16, 16, 3))
    return np.stack([flat, ramp, waves, noise]).astype(np.float32)


def degrade(clean: Images) -> Images:
    return np.stack([TASK.degrade(image, np.random.default_rng(0)) for image in clean])


def test_names(estimators: dict[str, DifficultyEstimator]) -> None:
    assert set(estimators) == {"interpolation", "network"}


@pytest.mark.parametrize("name", ["interpolation", "network"])
def test_harder_scores_higher(estimators: dict[str, DifficultyEstimator], name: str, clean: Images) -> None:
    offer = estimators[name]
    score = offer.build(offer.options(), FakeReferences())(degrade(clean), clean)
    assert score.shape == (4,)
    assert score.dtype == np.float64
    assert np.isfinite(score).all()
    assert (np.diff(score) > 0).all()


def test_the_score_is_the_negative_psnr(estimators: dict[str, DifficultyEstimator], clean: Images) -> None:
    degraded = degrade(clean)
    offer = estimators["interpolation"]
    score = offer.build(offer.options(), FakeReferences())(degraded, clean)
    for got, small, large in zip(score, degraded, clean, strict=True):
        error = np.clip(TASK.interpolate(small), 0, 1).astype(np.float64) - large
        assert -got == pytest.approx(-10 * np.log10(np.mean(error**2)), abs=1e-6)


def test_the_score_of_one_does_not_depend_on_the_others(
    estimators: dict[str, DifficultyEstimator], clean: Images
) -> None:
    offer = estimators["interpolation"]
    score = offer.build(offer.options(), FakeReferences())
    degraded = degrade(clean)
    np.testing.assert_allclose(score(degraded[2:3], clean[2:3])[0], score(degraded, clean)[2], rtol=1e-9)


def test_an_exact_restoration_scores_lowest_and_finite(
    estimators: dict[str, DifficultyEstimator], clean: Images
) -> None:
    offer = estimators["network"]
    repeated = clean[:, ::2, ::2].repeat(2, axis=1).repeat(2, axis=2)
    score = offer.build(offer.options(), FakeReferences())(clean[:, ::2, ::2], repeated)
    np.testing.assert_allclose(score, -100)


def test_the_network_is_the_baseline_unless_said(estimators: dict[str, DifficultyEstimator]) -> None:
    references = FakeReferences()
    offer = estimators["network"]
    offer.build(NetworkOptions(), references)
    offer.build(NetworkOptions(model="teacher.safetensors"), references)
    assert references.asked == [None, "teacher.safetensors"]
