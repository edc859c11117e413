"""A loaded model restores any image, and gives back the same kind of array."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import restoreroute
from restoreroute.errors import InputError, PluginError
from restoreroute.inference.seamless import Effort

SIZES = [(1, 1), (1, 7), (33, 5)]
CHANNELS = {"grey": (), "one channel": (1,), "grey and alpha": (2,), "RGB": (3,), "RGBA": (4,)}


@pytest.fixture(scope="module")
def restorer(finished: Any) -> Any:
    return restoreroute.load(finished.model)


def image(shape: tuple[int, ...], dtype: Any) -> Any:
    values = np.random.default_rng(0).uniform(0, 1, shape)
    return values.astype(dtype) if dtype == np.float32 else (values * np.iinfo(dtype).max).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("channels", CHANNELS.values(), ids=CHANNELS.keys())
def test_every_kind_of_image(restorer: Any, size: tuple[int, int], channels: tuple[int, ...], dtype: Any) -> None:
    restored = restorer.restore(image((*size, *channels), dtype))

    assert restored.shape == (size[0] * 4, size[1] * 4, *channels)
    assert restored.dtype == dtype
    if dtype == np.float32:
        assert restored.min() >= 0
        assert restored.max() <= 1


def test_the_depths_agree(restorer: Any) -> None:
    eight = image((9, 13, 3), np.uint8)

    as_eight = restorer.restore(eight).astype(float) / 255
    as_sixteen = restorer.restore(eight.astype(np.uint16) * 257).astype(float) / 65535
    as_float = restorer.restore(eight.astype(np.float32) / 255)

    np.testing.assert_allclose(as_sixteen, as_float, atol=1.01 / 65535)
    np.testing.assert_allclose(as_eight, as_float, atol=0.501 / 255)


def test_the_input_is_left_alone(restorer: Any) -> None:
    given = image((9, 7, 4), np.uint8)
    before = given.copy()
    given.flags.writeable = False

    restorer.restore(given)

    assert np.array_equal(given, before)


def test_alpha_does_not_change_the_colours(restorer: Any) -> None:
    given = image((12, 10, 4), np.uint8)
    given[:, :, 3] = given[:, :, 3].clip(min=1)

    restored = restorer.restore(given)

    assert np.array_equal(restored[:, :, :3], restorer.restore(np.ascontiguousarray(given[:, :, :3])))


def test_what_is_hidden_does_not_show(restorer: Any) -> None:
    """A disc of one colour over hidden black or hidden noise: no dark fringe, no difference in what is seen."""
    y, x = np.mgrid[:60, :50]
    alpha = (np.hypot(y - 30, x - 25) < 18).astype(np.uint8) * 255
    disc = np.full((60, 50, 3), 180, np.uint8)
    results = []
    for hidden in (np.zeros_like(disc), image((60, 50, 3), np.uint8), disc):
        color = np.where(alpha[..., None] > 0, disc, hidden)
        results.append(restorer.restore(np.dstack([color, alpha])))
    seen = results[0][..., 3] > 0
    for restored in results[:2]:
        assert np.abs(restored[seen].astype(int) - results[2][seen]).max() <= 1


def test_opaque_stays_opaque(restorer: Any) -> None:
    given = image((12, 10, 2), np.uint16)
    given[:, :, 1] = 65535

    assert (restorer.restore(given)[:, :, 1] == 65535).all()


def test_views_are_restored_like_copies(restorer: Any) -> None:
    given = image((20, 24, 3), np.uint8)[::-1, ::2]

    assert np.array_equal(restorer.restore(given), restorer.restore(np.ascontiguousarray(given)))


def test_the_route_covers_the_image(restorer: Any) -> None:
    restored = restorer.restore_routed(image((33, 21, 3), np.uint8))
    count = np.zeros((33, 21), int)
    for tile in restored.tiles:
        count[tile.inside.top : tile.inside.bottom, tile.inside.left : tile.inside.right] += 1

    assert (count == 1).all()
    assert len(restored.route) == len(restored.tiles)
    assert restorer.overlay(restored).shape == (132, 84, 3)


def test_the_baseline_restores_too(finished: Any) -> None:
    alone = restoreroute.load(finished.folder / "baseline.safetensors")

    assert alone.restore(image((5, 9, 3), np.uint8)).shape == (20, 36, 3)


@pytest.mark.parametrize("effort", [Effort(budget=2), Effort(speed=0), Effort(seconds=9)], ids=str)
def test_nothing_can_be_decided_over_a_single_network(finished: Any, effort: Effort) -> None:
    alone = restoreroute.load(finished.folder / "baseline.safetensors")

    with pytest.raises(InputError, match="a single network: a budget, a time or a preference has nothing to decide"):
        alone.restore_routed(image((5, 9, 3), np.uint8), effort=effort)


@pytest.mark.parametrize("shape", [(4,), (0, 4, 3), (4, 4, 5), (1, 4, 4, 3)], ids=str)
def test_what_is_no_image_is_refused(restorer: Any, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\d"):
        restorer.restore(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("dtype", [np.int64, np.complex64, object])
def test_other_types_are_refused(restorer: Any, dtype: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        restorer.restore(np.zeros((4, 4, 3), dtype))


def test_errors_of_loading(finished: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no such model file"):
        restoreroute.load(tmp_path / "none.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(finished.model.read_bytes()[:-100])
    with pytest.raises(InputError, match="can't be read as a model file"):
        restoreroute.load(cut)
    monkeypatch.setenv("RESTOREROUTE_BLOCK", "backbones")
    with pytest.raises(PluginError, match="fsrcnn"):
        restoreroute.load(finished.model)


@pytest.fixture(scope="module")
def large() -> Any:
    """97 rows, many cells of 6 x 6 and several blocks of the tiny model; smooth to the left, noise to the right."""
    noise = np.random.default_rng(1).uniform(0, 1, (97, 71, 4)) * np.linspace(0, 1, 71)[:, None]
    return (noise * 255).astype(np.uint8)


def test_the_size_of_areas_changes_nothing(restorer: Any, large: Any) -> None:
    one, many = (replace(restorer, blocks=blocks).restore_routed(large) for blocks in ((1, 1), (100, 100)))

    assert np.array_equal(one.cells, many.cells)
    assert set(one.tiles) == set(many.tiles)
    assert np.abs(one.pixels.astype(int) - many.pixels).max() <= 1  # batches differ, so sums are rounded differently


def test_a_budget_decides_what_is_spent(restorer: Any, large: Any) -> None:
    def spent(**options: Any) -> float:
        cells = restorer.restore_routed(large, effort=Effort(**options)).cells
        return float(np.array([cost.executed for cost in restorer.model.costs])[cells].sum())

    costs = [spent(budget=budget) for budget in (1.2, 1.4, 1.6, 9.0)]
    assert costs == sorted(costs)
    assert costs[-1] == spent()
    assert costs[0] < costs[-1]
    assert spent(speed=50) <= spent(speed=0) <= spent(speed=-50)


def test_a_budget_that_is_too_small(restorer: Any, large: Any) -> None:
    with pytest.raises(InputError, match="cheapest branch alone takes"):
        restorer.restore(large, budget=0.01)
