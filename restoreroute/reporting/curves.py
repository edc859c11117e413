"""Curves: how routing came about in training, and quality against cost."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from restoreroute.imaging.atomic import write_atomically
from restoreroute.spec.results import SweepResult

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
    _write(figure, path)
    return True


def draw_sweep(result: SweepResult, path: Path) -> None:
    """Draw quality against what was spent into a PNG, with the full network and the trained route marked.

    Raises:
        OutputError: if the file can't be written.
    """
    figure = Figure(figsize=(6, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    budgets = [point for point in result.points if point.budget is not None]
    axes.plot([point.spent for point in budgets], [point.quality.psnr_rgb for point in budgets], marker=".")
    for point in result.points:
        if point.budget is None:
            axes.plot(point.spent, point.quality.psnr_rgb, "o", label="as trained")
    axes.plot(1, result.baseline.psnr_rgb, "s", label="full network, whole image")
    axes.set_xlabel("executed operations, share of the full network's")
    axes.set_ylabel("PSNR-RGB in dB")
    axes.set_title(result.set_name)
    axes.grid(alpha=0.3)
    axes.legend()
    _write(figure, path)


def _write(figure: Figure, path: Path) -> None:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_atomically(path, lambda file: file.write(buffer.getbuffer()))


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
