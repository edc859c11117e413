"""What recipes plan to spend, against the paper's figures and against a count by hand."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache, cached_property
from math import prod
from pathlib import Path

import pytest
import torch
from rich.console import Console
from torch import nn

from restoreroute.app.plugins import open_catalogue
from restoreroute.recipe.resolve import load_recipe
from restoreroute.reporting.tables import cost_table
from restoreroute.routing.cost import Cost, measure_cost
from restoreroute.routing.model_file import build_class_module, build_network
from restoreroute.spec.plan import BranchPlan, RunPlan
from restoreroute_backbones.layers import Bicubic

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
FOUND = sorted(path for path in RECIPES.rglob("*") if path.suffix in {".yml", ".yaml"})

ON_EVERY_RECIPE = pytest.mark.parametrize("recipe", FOUND, ids=lambda path: path.relative_to(RECIPES).as_posix())

Known = tuple[str, str, int | None]
PUBLISHED: dict[tuple[str, int], Known] = {
    ("fsrcnn", 16): ("21.823M", "141.26M", 10_755),
    ("fsrcnn", 26): ("28.828M", "222.92M", 14_195),
    ("fsrcnn", 29): ("30.929M", "247.41M", 15_227),
    ("fsrcnn", 36): ("35.832M", "304.57M", 17_635),
    ("fsrcnn", 43): ("40.735M", "361.73M", 20_043),
    ("fsrcnn", 46): ("42.836M", "386.22M", 21_075),
    ("fsrcnn", 56): ("49.840M", "467.88M", 24_515),
    ("carn", 36): ("380.53M", "380.53M", 94_851),
    ("carn", 52): ("771.88M", "771.88M", 195_651),
    ("carn", 64): ("1155.19M", "1155.19M", 294_939),
    ("srresnet", 36): ("1658.2M", "1658.2M", 481_683),
    ("srresnet", 52): ("3438.0M", "3438.0M", 1_002_771),
    ("srresnet", 64): ("5194.0M", "5194.0M", 1_517_571),
    ("rcan", 36): ("10.330G", "10.330G", 4_940_707),
    ("rcan", 50): ("19.908G", "19.908G", 9_521_827),
    ("rcan", 64): ("32.600G", "32.600G", 15_592_379),
    ("dncnn", 38): ("403M", "403M", None),
    ("dncnn", 52): ("753M", "753M", None),
    ("dncnn", 64): ("1140M", "1.14G", None),
}
"""Executed, in the paper's convention, parameters; of one 32 x 32 patch, x4 but for DnCNN.  Measured on the authors'
networks, as exactly as they are known."""
SHAPE = {"srresnet": {"blocks": 16}, "rcan": {"groups": 10, "blocks": 20}, "dncnn": {"layers": 17}}
"""Options of the networks that these figures are of."""
CLASS_MODULE: Known = ("7.602M", "7.602M", 60_035)
"""Of width 128 at three branches."""
TOTALS = {"sr_fsrcnn": "113K", "sr_carn": "645K", "sr_srresnet": "3.1M", "sr_rcan": "30.1M"}
"""Parameters of the whole routed model (paper table 2)."""


def as_exactly(value: float, text: str) -> str:
    """A value with the unit and the digits of ``text``."""
    digits = len(text[:-1].partition(".")[2])
    return f"{value / {'K': 1e3, 'M': 1e6, 'G': 1e9}[text[-1]]:.{digits}f}{text[-1]}"


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A recipe's networks with fresh weights, and what a dry run prints that they cost.

    Attributes:
        class_module: None for a single network.
    """

    plan: RunPlan
    branches: list[nn.Module]
    class_module: nn.Module | None

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of one patch."""
        return 1, self.plan.task.bound.channels, self.plan.routing.patch, self.plan.routing.patch

    @cached_property
    def costs(self) -> list[Cost]:
        """Of each branch."""
        return self.costs_of(self.shape)

    def costs_of(self, shape: tuple[int, ...]) -> list[Cost]:
        """Of each branch, for an input of that shape."""
        return [measure_cost(network, shape) for network in self.branches]

    @cached_property
    def class_module_cost(self) -> Cost | None:
        """None for a single network."""
        return None if self.class_module is None else measure_cost(self.class_module, self.shape)


@cache
def planned(recipe: Path) -> Planned:
    plan = load_recipe(recipe, open_catalogue())
    channels, branches = plan.task.bound.channels, len(plan.branches)
    routed = plan.difficulty is not None
    return Planned(
        plan=plan,
        branches=[build_network(branch, plan.task, seed=0) for branch in plan.branches],
        class_module=build_class_module(plan.class_module, channels=channels, branches=branches, seed=0)
        if routed
        else None,
    )


def by_hand(network: nn.Module, shape: tuple[int, ...]) -> tuple[int, int]:
    """Operations, executed and in the paper's convention: 2 x weights that a pixel meets x pixels.

    A weight of a convolution is used once for each pixel of the output, one of a transposed convolution once for each
    pixel of the input; the paper takes the output for both.  A bicubic enlargement, which has no weights, is five
    products for each value along the rows, mirrored border included, and five for each along the columns.
    """
    executed = paper = 0

    def count(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal executed, paper
        if isinstance(layer, Bicubic):
            channels, height, width = inputs[0].shape[1:]
            across, down = layer.scale * (height + 4) * width, layer.scale**2 * height * width
            executed += 2 * 5 * channels * (across + down)
            paper += 2 * 5 * channels * (across + down)
            return
        assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)
        weights = 2 * prod(layer.weight.shape)
        pixels = prod(output.shape[2:])
        transposed = isinstance(layer, nn.ConvTranspose2d)
        executed += weights * (prod(inputs[0].shape[2:]) if transposed else pixels)
        paper += weights * pixels

    def count_bicubic(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal executed, paper
        _, colours, height, _ = inputs[0].shape
        across = colours * (height + 4) * output.shape[3]
        both = 2 * 5 * (across + prod(output.shape[1:]))
        executed += both
        paper += both

    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
    hooks = [layer.register_forward_hook(count) for layer in network.modules() if isinstance(layer, kinds)]
    enlarging = [layer for layer in network.modules() if isinstance(layer, Bicubic)]
    hooks += [layer.register_forward_hook(count_bicubic) for layer in enlarging]
    with torch.inference_mode():
        network.eval()(torch.zeros(shape))
    for hook in hooks:
        hook.remove()
    return executed, paper


@ON_EVERY_RECIPE
def test_costs_equal_a_count_by_hand(recipe: Path) -> None:
    found = planned(recipe)
    counted = [*zip(found.branches, found.costs, strict=True)]
    if found.class_module is not None and found.class_module_cost is not None:
        counted.append((found.class_module, found.class_module_cost))
    for network, cost in counted:
        assert (cost.executed, cost.paper) == by_hand(network, found.shape)
        assert cost.parameters == sum(parameter.numel() for parameter in network.parameters())


def figures_of(branch: BranchPlan, plan: RunPlan) -> Known | None:
    """The figures of the paper's network, if a branch is one."""
    options = branch.options.model_dump()
    shape = SHAPE.get(branch.family.name, {})
    full = all(options[name] == value for name, value in shape.items())
    scale = 1 if branch.family.name == "dncnn" else 4
    return PUBLISHED.get((branch.family.name, branch.width)) if full and plan.task.bound.scale == scale else None


def check(cost: Cost, known: Known) -> None:
    executed, paper, parameters = known
    assert as_exactly(cost.executed, executed) == executed
    assert as_exactly(cost.paper, paper) == paper
    assert parameters in (None, cost.parameters)


@ON_EVERY_RECIPE
def test_costs_are_those_of_the_papers_networks(recipe: Path) -> None:
    found, checked = planned(recipe), 0
    for branch, cost in zip(found.plan.branches, found.costs_of((1, 3, 32, 32)), strict=True):
        if (known := figures_of(branch, found.plan)) is not None:
            check(cost, known)
            checked += 1
    if found.class_module_cost is not None and found.plan.class_module.width == 128 and len(found.branches) == 3:
        check(found.class_module_cost, CLASS_MODULE)
    if recipe.parent.name == "paper":
        of_mixed_depth = recipe.stem.startswith("sr_srresnet_")
        assert checked == (1 if of_mixed_depth else len(found.branches))
        if (total := TOTALS.get(recipe.stem)) is not None:
            assert found.class_module_cost is not None
            parameters = sum(cost.parameters for cost in (*found.costs, found.class_module_cost))
            assert as_exactly(parameters, total) == total


@ON_EVERY_RECIPE
def test_the_printed_table_holds_them(recipe: Path) -> None:
    found = planned(recipe)
    plan, routing = found.plan, found.plan.routing
    stream = io.StringIO()
    Console(file=stream, width=200).print(
        cost_table(plan.branches, found.costs, found.class_module_cost, patch=routing.patch, stride=routing.stride)
    )
    cells = [[cell.strip() for cell in line.split("\u2502")][1:-1] for line in stream.getvalue().splitlines()]
    rows = {name: figures for name, *figures in filter(None, cells)}

    def share(part: int, whole: int) -> str:
        return f"{100 * part / whole:.0f} %"

    full = found.costs[-1]
    printed = {branch.name: cost for branch, cost in zip(plan.branches, found.costs, strict=True)}
    if found.class_module_cost is not None:
        printed["Class-Module"] = found.class_module_cost
    for name, cost in printed.items():
        assert rows.pop(name) == [
            f"{cost.parameters:,}".replace(",", " "),
            as_exactly(cost.executed, "0.00G" if cost.executed >= 1e9 else "0.00M"),
            share(cost.executed, full.executed),
            as_exactly(cost.paper, "0.00G" if cost.paper >= 1e9 else "0.00M"),
            share(cost.paper, full.paper),
        ]
    factor = f"x {(routing.patch / routing.stride) ** 2:.3f}"
    assert rows == {f"overlap at step {routing.stride}": ["-", factor, "-", factor, "-"]}


def test_every_published_network_is_in_a_recipe() -> None:
    seen = {
        (branch.family.name, branch.width)
        for recipe in FOUND
        for branch in planned(recipe).plan.branches
        if figures_of(branch, planned(recipe).plan) is not None
    }
    assert seen == set(PUBLISHED)


def test_a_count_by_hand_of_a_known_layer() -> None:
    wide = nn.Conv2d(4, 6, 3, padding=1, groups=2)
    up = nn.ConvTranspose2d(6, 3, 9, stride=4, padding=3, output_padding=1)
    below, above = 2 * 6 * 2 * 9 * 50, 2 * 6 * 3 * 81 * 50
    assert by_hand(wide, (1, 4, 10, 5)) == (below, below)
    assert by_hand(nn.Sequential(wide, up), (1, 4, 10, 5)) == (below + above, below + above * 16)


def test_a_count_by_hand_of_a_bicubic_enlargement() -> None:
    """x4 of 10 x 5 pixels of three colours: 14 rows of 20 values, then 40 rows of 20, five products each."""
    products = 3 * 5 * (14 * 20 + 40 * 20)
    assert by_hand(Bicubic(4), (1, 3, 10, 5)) == (2 * products, 2 * products)


def test_shares_and_costs_give_the_published_figure() -> None:
    """ClassSR-FSRCNN sends 61/23/16 % of Test8K to its branches, at 238 M (paper table 2)."""
    found = planned(RECIPES / "paper" / "sr_fsrcnn.yml")
    assert found.class_module_cost is not None
    branches = sum(share * cost.paper for share, cost in zip((0.61, 0.23, 0.16), found.costs, strict=True))
    assert branches + found.class_module_cost.paper == pytest.approx(238e6, abs=1e6)
