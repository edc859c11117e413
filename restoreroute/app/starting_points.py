"""What a network starts from: a file, the channels of the baseline that matter most, or fresh weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from restoreroute.data.pairs import fingerprint
from restoreroute.errors import InputError
from restoreroute.routing.misfit import grouped
from restoreroute.routing.trained_networks import TrainedNetworks
from restoreroute.spec.plan import BranchPlan, RunPlan, can_start_across_scales, can_start_from

ReadNetworks = Callable[[Path], TrainedNetworks]
Locate = Callable[[str], Path]


class StartingPoints:
    """The files that branches start from, read once and before anything is trained.

    Args:
        plan: of the run.
        read: gives the trained networks of a file.
        locate: gives the file that a recipe names.

    Raises:
        InputError: if a file can't be read or holds nothing that a branch could start from.
    """

    def __init__(self, plan: RunPlan, read: ReadNetworks, locate: Locate) -> None:
        paths = {branch.start: locate(branch.start) for branch in plan.branches if branch.start is not None}
        self._scale = plan.task.bound.scale
        self._trained: Mapping[str, TrainedNetworks] = {start: read(path) for start, path in paths.items()}
        self._facts = {start: fingerprint([path]) for start, path in paths.items()}
        for branch in plan.branches:
            if branch.start is not None:
                self._closest(branch, branch.start)
        self._require_trained_baseline(plan)

    def facts(self, branch: BranchPlan) -> Any:
        """What a branch's start depends on, for the keys of stages."""
        return None if branch.start is None else self._facts[branch.start]

    def fill(self, network: nn.Module, branch: BranchPlan, baseline: tuple[BranchPlan, nn.Module] | None) -> str:
        """Give a fresh network the weights that it starts from.

        Args:
            network: of the branch, just built.
            branch: its plan.
            baseline: what branches start from that name no file; None to leave them fresh.

        Returns:
            Where the weights are from, for reports, and which ones stayed fresh.
        """
        if branch.start is not None:
            plan, trained = self._closest(branch, branch.start)
            source = f"{plan.name} of {Path(branch.start).name}"
            if (scale := self._trained[branch.start].scale) != self._scale:
                fresh = ", ".join(grouped(_fill_across_scales(network, trained))) or "nothing"
                return f"from {source} at scale {scale}, fresh: {fresh}"
        elif baseline is not None and can_start_from(branch, baseline[0]):
            plan, trained = baseline
            source = "the baseline"
        else:
            return "fresh"
        if plan.width == branch.width:
            network.load_state_dict(trained.state_dict())
        elif branch.family.narrow is not None:
            branch.family.narrow(trained, network)
        return f"from {source}"

    def _closest(self, branch: BranchPlan, start: str) -> tuple[BranchPlan, nn.Module]:
        """The narrowest network of the file that the branch can start from."""
        trained = self._trained[start]
        same_scale = trained.scale == self._scale
        can_start = can_start_from if same_scale else can_start_across_scales
        fitting = [candidate for candidate in trained.branches if can_start(branch, candidate[0])]
        if not fitting:
            held = ", ".join(plan.name for plan, _ in trained.branches)
            at = "" if same_scale else f" at scale {trained.scale}, this run is at {self._scale}"
            hint = "it has to be of the same family and options, and as wide or wider"
            raise InputError(
                f"holds {held}{at}; branch {branch.name} can start from none of them",
                where=start,
                hint=hint if same_scale else "across scales, it has to be of the same family, options and width",
            )
        return min(fitting, key=lambda candidate: candidate[0].width)

    def _require_trained_baseline(self, plan: RunPlan) -> None:
        """Refuse to take a network for trained whose last layers are fresh."""
        start = plan.branches[-1].start
        if start is None or plan.stages.baseline.iterations or self._trained[start].scale == self._scale:
            return
        raise InputError(
            f"restores at scale {self._trained[start].scale}, this run at {self._scale}: the last layers of "
            f"{plan.branches[-1].name} are not trained for that",
            where=start,
            hint="train them: stages.baseline.iterations",
        )


def _fill_across_scales(network: nn.Module, trained: nn.Module) -> list[str]:
    """Take every tensor of equal name and shape; the names of those that stayed as they were."""
    own, given = network.state_dict(), trained.state_dict()
    taken = {name: given[name] for name in own if name in given and given[name].shape == own[name].shape}
    network.load_state_dict(own | taken)
    return [name for name in own if name not in taken]
