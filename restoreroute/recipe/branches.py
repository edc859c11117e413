"""Which branches a recipe asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from restoreroute.recipe.findings import Findings
from restoreroute.recipe.places import Path, dotted
from restoreroute.recipe.schema import BRANCH_KEYS, MAX_BRANCHES, BranchChoice
from restoreroute.spec.backbone import BackboneFamily
from restoreroute.spec.options import Options
from restoreroute.spec.plan import BranchPlan


class BranchReader:
    """Reads ``branches``.

    Args:
        findings: takes what is wrong.
        family: of branches that name no other; None if nobody offers what the recipe names.
        chosen: the family's options as written under ``backbone``.
        options: the same, validated; None if something is wrong with them.
        look_up: the family of a name, or None after noting that nobody offers it.
    """

    def __init__(
        self,
        findings: Findings,
        family: BackboneFamily | None,
        chosen: Mapping[str, Any],
        options: Options | None,
        look_up: Callable[[str, Path], BackboneFamily | None],
    ) -> None:
        self._findings = findings
        self._family = family
        self._chosen = chosen
        self._options = options
        self._look_up = look_up

    def read(self, written: object) -> tuple[BranchPlan, ...] | None:
        """The branches in the order of the recipe, or None if something is wrong with them.

        Args:
            written: a list of mappings, the number of branches, or None for the family's published widths.
        """
        if isinstance(written, list):
            return self._of_list(written)
        if self._family is None:
            return None
        if written is None:
            if not self._family.has_widths():
                self._findings.add(f"{self._family.name!r} has one width only: list the branches", ("backbone", "name"))
                return None
            return self._of_widths(self._family, self._family.widths)
        if isinstance(written, int) and not isinstance(written, bool) and 2 <= written <= MAX_BRANCHES:
            return self._of_count(self._family, written)
        return None

    def _of_widths(self, family: BackboneFamily, widths: tuple[int, ...]) -> tuple[BranchPlan, ...] | None:
        options = self._options
        if options is None:
            return None
        return tuple(BranchPlan(family=family, options=options, width=width) for width in widths)

    def _of_count(self, family: BackboneFamily, count: int) -> tuple[BranchPlan, ...] | None:
        try:
            return self._of_widths(family, family.widths_for(count))
        except ValueError as error:
            self._findings.add(str(error), ("branches",))
            return None

    def _of_list(self, written: list[Any]) -> tuple[BranchPlan, ...] | None:
        if not written:
            message = "must hold at least one branch: two or more for a routed model, one for a single network"
            self._findings.add(message, ("branches",))
            return None
        branches = [self._branch(item, ("branches", index)) for index, item in enumerate(written)]
        networks = [None if branch is None else replace(branch, start=None) for branch in branches]
        for index, network in enumerate(networks):
            first = networks.index(network)
            if network is not None and first < index:
                self._findings.add(f"is the same as {dotted(('branches', first))}", ("branches", index))
        found = tuple(branch for branch in branches if branch is not None)
        return found if len(found) == len(written) else None

    def _branch(self, written: object, path: Path) -> BranchPlan | None:
        if not isinstance(written, Mapping):
            return None
        choice = self._findings.model(BranchChoice, written, path)
        if choice is None:
            return None
        family = self._family if choice.family is None else self._look_up(choice.family, (*path, "family"))
        if family is None:
            return None
        options = self._options_of(family, choice.chosen, path)
        width = choice.width
        if width is None:
            width = family.widths[0]
            if family.has_widths():
                published = ", ".join(map(str, family.widths))
                self._findings.add(f"missing: published widths of {family.name!r} are {published}", (*path, "width"))
                return None
        return None if options is None else BranchPlan(family=family, options=options, width=width, start=choice.from_)

    def _options_of(self, family: BackboneFamily, own: Mapping[str, Any], path: Path) -> Options | None:
        """A branch's own options over the backbone's, where it is of the backbone's family."""
        if family is not self._family:
            return self._findings.model(family.options, own, path, beside=BRANCH_KEYS)
        if not own:
            return self._options

        def where(inner: Path) -> Path | None:
            # what is wrong under backbone is said there already
            return (*path, *inner) if not inner or inner[0] in own else None

        return self._findings.model(family.options, {**self._chosen, **own}, path, beside=BRANCH_KEYS, where=where)
