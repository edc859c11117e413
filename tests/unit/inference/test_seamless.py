"""Regions of a routed image against the whole-image pass, and their context."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from restoreroute.app.plugins import open_catalogue
from restoreroute.inference.engine import restore_cells, restore_whole
from restoreroute.inference.regions import BLOCK
from restoreroute.inference.seamless import Planner, halo_of, plan_regions
from restoreroute.routing.branches import BranchBank
from restoreroute.routing.model_file import Model, assemble
from restoreroute.spec.plan import BranchPlan, TaskPlan

CELL = 4


def price(branch: int, rows: int, columns: int) -> float:
    return (branch + 1.0) * (rows * CELL + 4) * (columns * CELL + 4)


def network(family: str, width: int, **options: Any) -> tuple[BranchPlan, nn.Module]:
    """One whose every weight counts."""
    offer = open_catalogue().backbones.get(family)
    chosen = offer.options.model_validate(options)
    torch.manual_seed(width)
    built = offer.build(chosen, width=width, scale=2, channels=3).eval()
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.02)
    return BranchPlan(family=offer, options=chosen, width=width), built


def model(*networks: tuple[BranchPlan, nn.Module]) -> Model:
    offer = open_catalogue().tasks.get("super_resolution")
    options = offer.options.model_validate({"scale": 2})
    return assemble(
        task=TaskPlan(offer=offer, options=options, bound=offer.build(options)),
        plans=[plan for plan, _ in networks],
        networks=[built for _, built in networks],
        class_module=None,
        class_module_options=None,
        patch=32,
        stride=28,
        providers={},
        summary={},
    )


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (67, 41), (CELL * BLOCK, CELL * BLOCK)])
def test_one_branch_with_enough_context_is_the_whole_image_pass(size: tuple[int, int]) -> None:
    plan, alone = network("fsrcnn", 8)
    reach = plan.family.receptive_field(plan.options, 2)
    image = torch.rand(3, *size, generator=torch.Generator().manual_seed(0))
    routes = np.zeros([-(-side // CELL) for side in size], dtype=np.int64)

    regions = plan_regions(routes, *size, cell=CELL, halo=reach, price=price)
    restored = restore_cells(BranchBank([alone], scale=2), image, regions.tiles, regions.route)

    torch.testing.assert_close(restored, restore_whole(alone, image), rtol=0, atol=1e-5)


def test_whatever_the_route_regions_of_equal_branches_are_the_whole_image_pass() -> None:
    plan, alone = network("fsrcnn", 8)
    reach = plan.family.receptive_field(plan.options, 2)
    image = torch.rand(3, 70, 90, generator=torch.Generator().manual_seed(0))
    routes = np.zeros((18, 23), dtype=np.int64)
    routes[:8, 8:16] = 1
    routes[3, 3] = routes[8:16, :8] = 2

    regions = plan_regions(routes, 70, 90, cell=CELL, halo=reach, price=price)
    restored = restore_cells(BranchBank([alone] * 3, scale=2), image, regions.tiles, regions.route)

    assert len(set(regions.route.tolist())) == 3
    torch.testing.assert_close(restored, restore_whole(alone, image), rtol=0, atol=1e-5)


def test_context_is_what_the_networks_can_use() -> None:
    plan, _ = network("fsrcnn", 8)
    assert halo_of(model(network("fsrcnn", 8))) == plan.family.receptive_field(plan.options, 2) > 4
    assert halo_of(model(network("fsrcnn", 8), network("fsrcnn", 9))) == halo_of(model(network("fsrcnn", 8)))
    assert halo_of(model(network("carn", 12), network("carn", 16))) == 2 < halo_of(model(network("carn", 12)))
    assert halo_of(model(network("interpolate", 1))) < 4
    assert halo_of(model(network("rcan", 16, groups=1, blocks=1))) == 2
    assert halo_of(model(network("carn", 12), network("rcan", 16, groups=1, blocks=1))) == 2


def test_a_network_that_sees_everything_gets_windows_of_full_size() -> None:
    planner = Planner.by_operations(
        model(network("rcan", 16, groups=1, blocks=1), network("rcan", 18, groups=1, blocks=1))
    )
    routes = np.zeros((3, 5), dtype=np.int64)
    routes[0, 0] = routes[2, 4] = 1

    regions = planner.merge(routes, 84, 140)

    sizes = {(tile.inside.height, tile.inside.width, tile.window.height, tile.window.width) for tile in regions.tiles}
    assert len(regions.tiles) < 15
    assert {(28, 28, 32, 32)} <= sizes
    assert all(tall == min(rows + 4, 84) and wide == min(columns + 4, 140) for rows, columns, tall, wide in sizes)


def test_cells_know_what_they_got() -> None:
    routes = np.full((BLOCK, BLOCK + 1), 2)
    routes[3, 4] = 0
    routes[0, BLOCK] = 1

    regions = plan_regions(routes, BLOCK * CELL, (BLOCK + 1) * CELL, cell=CELL, halo=2, price=price)

    assert regions.cells[3, 4] == 2
    assert (regions.cells >= routes).all()
    for tile, branch in zip(regions.tiles, regions.route, strict=True):
        box = tile.inside
        got = regions.cells[box.top // CELL : box.bottom // CELL, box.left // CELL : box.right // CELL]
        assert (got == branch).all()
