"""How routing came about: figures on the validation images over the stages that train the Class-Module."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from restoreroute.imaging.atomic import write_atomically

Validations = Mapping[str, Sequence[Mapping[str, float]]]

ROUTING_STAGES = ("class_module", "joint")
SHARE = "share_"
PANELS: tuple[tuple[str, Callable[[Mapping[str, float]], float]], ...] = (
    ("PSNR-RGB in dB", lambda figures: figures["psnr"]),
    ("mean largest probability", lambda figures: figures["confidence"]),
    ("share of the most used branch", lambda figures: max(_shares(figures))),
)


def draw_curves(runs: Mapping[str, Validations], path: Path) -> bool:
    """Draw the routing stages of one or more runs into a PNG, a line for each.

    Args:
        runs: by label, the figures of each stage as in :attr:`~restoreroute.spec.results.RunResults.stages`.
        path: file to write.

    Returns:
        False where no run has a routing stage, and nothing is written.

    Raises:
        OutputError: if the file can't be written.
    """
    lines = {label: points for label, stages in runs.items() if (points := _points(stages))}
    if not lines:
        return False
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (title, value) in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
        for label, points in lines.items():
            axes.plot([x for x, _ in points], [value(figures) for _, figures in points], marker=".", label=label)
        axes.set_title(title)
        axes.set_xlabel("updates of the Class-Module, then of all together")
        axes.grid(alpha=0.3)
    if len(lines) > 1:
        figure.axes[0].legend()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_atomically(path, lambda file: file.write(buffer.getbuffer()))
    return True


def _points(stages: Validations) -> list[tuple[float, Mapping[str, float]]]:
    """Validations of the routing stages, iterations counted through."""
    points: list[tuple[float, Mapping[str, float]]] = []
    done = 0.0
    for stage in ROUTING_STAGES:
        figures = stages.get(stage, ())
        points += [(done + each["iteration"], each) for each in figures]
        done = points[-1][0] if points else done
    return points


def _shares(figures: Mapping[str, float]) -> list[float]:
    return [share for name, share in figures.items() if name.startswith(SHARE)]
