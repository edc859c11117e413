"""What a network starts from: a file, the channels of the baseline that matter most, or fresh weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from restoreroute.data.pairs import fingerprint
from restoreroute.errors import InputError
from restoreroute.routing.trained_networks import Networks
from restoreroute.spec.plan import BranchPlan, can_start_from

ReadNetworks = Callable[[Path], Networks]
Locate = Callable[[str], Path]


class StartingPoints:
    """The files that branches start from, read once and before anything is trained.

    Args:
        branches: those of the plan.
        read: gives the trained networks of a file.
        locate: gives the file that a recipe names.

    Raises:
        InputError: if a file can't be read or holds nothing that a branch could start from.
    """

    def __init__(self, branches: Sequence[BranchPlan], read: ReadNetworks, locate: Locate) -> None:
        paths = {branch.start: locate(branch.start) for branch in branches if branch.start is not None}
        self._networks: Mapping[str, Networks] = {start: read(path) for start, path in paths.items()}
        self._facts = {start: fingerprint([path]) for start, path in paths.items()}
        for branch in branches:
            if branch.start is not None:
                self._closest(branch, branch.start)

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
            Where the weights are from, for reports.
        """
        if branch.start is not None:
            plan, trained = self._closest(branch, branch.start)
            source = f"{plan.name} of {Path(branch.start).name}"
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
        found = self._networks[start]
        fitting = [candidate for candidate in found if can_start_from(branch, candidate[0])]
        if not fitting:
            held = ", ".join(plan.name for plan, _ in found)
            raise InputError(
                f"holds {held}; branch {branch.name} can start from none of them",
                where=start,
                hint="it has to be of the same family and options, and as wide or wider",
            )
        return min(fitting, key=lambda candidate: candidate[0].width)
