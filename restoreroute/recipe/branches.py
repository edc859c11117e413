"""Which branches a recipe asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from restoreroute.recipe.findings import Findings
from restoreroute.recipe.places import Path, dotted
from restoreroute.recipe.schema import MAX_BRANCHES, BranchChoice
from restoreroute.spec.backbone import BackboneFamily
from restoreroute.spec.options import Options
from restoreroute.spec.plan import BranchPlan


class BranchReader:
    """Reads ``branches``.

    Args:
        findings: takes what is wrong.
        family: of all branches.
        chosen: the family's options as written under ``backbone``.
        options: the same, validated; None if something is wrong with them.
    """

    def __init__(
        self, findings: Findings, family: BackboneFamily, chosen: Mapping[str, Any], options: Options | None
    ) -> None:
        self._findings = findings
        self._family = family
        self._chosen = chosen
        self._options = options

    def read(self, written: object) -> tuple[BranchPlan, ...] | None:
        """The branches in the order of the recipe, or None if something is wrong with them.

        Args:
            written: a list of mappings, the number of branches, or None for the family's published widths.
        """
        if written is None:
            return self._of_widths(self._family.widths)
        if isinstance(written, list):
            return self._of_list(written)
        if isinstance(written, int) and not isinstance(written, bool) and 2 <= written <= MAX_BRANCHES:
            return self._of_count(written)
        return None

    def _of_widths(self, widths: tuple[int, ...]) -> tuple[BranchPlan, ...] | None:
        options = self._options
        if options is None:
            return None
        return tuple(BranchPlan(family=self._family, options=options, width=width) for width in widths)

    def _of_count(self, count: int) -> tuple[BranchPlan, ...] | None:
        try:
            return self._of_widths(self._family.widths_for(count))
        except ValueError as error:
            self._findings.add(str(error), ("branches",))
            return None

    def _of_list(self, written: list[Any]) -> tuple[BranchPlan, ...] | None:
        if len(written) < 2:
            self._findings.add(f"a routed model needs at least 2 branches, not {len(written)}", ("branches",))
        branches = [self._branch(item, ("branches", index)) for index, item in enumerate(written)]
        for index, branch in enumerate(branches):
            first = branches.index(branch)
            if branch is not None and first < index:
                self._findings.add(f"is the same as {dotted(('branches', first))}", ("branches", index))
        found = tuple(branch for branch in branches if branch is not None)
        return found if len(found) == len(written) else None

    def _branch(self, written: object, path: Path) -> BranchPlan | None:
        if not isinstance(written, Mapping):
            return None
        choice = self._findings.model(BranchChoice, written, path)
        own = {key: value for key, value in written.items() if key != "width"}
        options = self._options_with(own, path) if own else self._options
        if choice is None or options is None:
            return None
        return BranchPlan(family=self._family, options=options, width=choice.width)

    def _options_with(self, own: Mapping[str, Any], path: Path) -> Options | None:
        """The backbone's options with a branch's own over them."""

        def where(inner: Path) -> Path | None:
            # what is wrong under backbone is said there already
            return (*path, *inner) if not inner or inner[0] in own else None

        return self._findings.model(self._family.options, {**self._chosen, **own}, path, beside=("width",), where=where)
