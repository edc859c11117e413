"""Widths for any number of branches: the published ones where there are some, else evenly spaced between their ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def published_or_spaced(
    family: str, published: Mapping[int, tuple[int, ...]], *, multiple: int = 1
) -> Callable[[int], tuple[int, ...]]:
    """A family's ``widths_for``.

    Args:
        family: its name, for errors.
        published: widths by number of branches; all begin and end alike.
        multiple: what every width has to be a multiple of.
    """
    narrowest, full = next((widths[0], widths[-1]) for widths in published.values())
    most = (full - narrowest) // multiple + 1

    def widths_for(branches: int) -> tuple[int, ...]:
        """Widths for that many branches, narrowest first.

        Raises:
            ValueError: for fewer than 2 branches, or more than there are widths.
        """
        if branches < 2:
            raise ValueError(f"a routed model needs at least 2 branches, not {branches}")
        if branches in published:
            return published[branches]
        if branches > most:
            raise ValueError(f"{family} has at most {most} distinct widths from {narrowest} to {full}, not {branches}")
        return tuple(narrowest + multiple * round((most - 1) * index / (branches - 1)) for index in range(branches))

    return widths_for
