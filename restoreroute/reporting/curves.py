"""Curves: how networks learnt, how routing came about and its preference was chosen, and quality against cost."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from restoreroute.imaging.atomic import write_atomically
from restoreroute.spec.results import Preference, RunResults, SweepResult

Validations = Mapping[str, Sequence[Mapping[str, float]]]
Points = list[tuple[float, Mapping[str, float]]]
"""Updates done, and figures then."""

ROUTING_STAGES = ("class_module", "joint")
SHARE = "share_"
PANELS: tuple[tuple[str, Callable[[Mapping[str, float]], float]], ...] = (
    ("PSNR-RGB in dB", lambda figures: figures["psnr"]),
    ("mean largest probability", lambda figures: figures["confidence"]),
    ("share of the most used branch", lambda figures: max(_shares(figures))),
)


def draw_curves(runs: Sequence[RunResults], path: Path) -> bool:
    """Draw what one or more runs learnt into a PNG: networks alone, routing, and how its preference was chosen.

    Args:
        runs: their names are the labels.
        path: file to write.

    Returns:
        False where no run has trained anything or chosen a preference, and nothing is written.

    Raises:
        OutputError: if the file can't be written.
    """
    lines = {run.name: points for run in runs if (points := _points(run.stages))}
    preferences = {run.name: run.preference for run in runs if run.preference is not None}
    networks = _networks(runs)
    panels = (1 if networks else 0) + (len(PANELS) if lines else 0) + (1 if preferences else 0)
    if not panels:
        return False
    figure = Figure(figsize=(4 * panels, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    places = list(figure.subplots(1, panels, squeeze=False)[0])
    if networks:
        _draw_networks(places.pop(0), networks)
    if preferences:
        _draw_preferences(places.pop(), preferences)
    if lines:
        _draw_stages(places, lines)
    _write(figure, path)
    return True


def _draw_networks(axes: Axes, networks: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
    for label, figures in networks.items():
        axes.plot([each["iteration"] for each in figures], [each["psnr"] for each in figures], marker=".", label=label)
    axes.set_title("PSNR-RGB in dB of networks alone")
    axes.set_xlabel("iterations")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", framealpha=0.4)


def _draw_stages(places: Sequence[Axes], lines: Mapping[str, Points]) -> None:
    for axes, (title, value) in zip(places, PANELS, strict=True):
        for label, points in lines.items():
            axes.plot([x for x, _ in points], [value(figures) for _, figures in points], marker=".", label=label)
        axes.set_title(title)
        axes.set_xlabel("updates of the Class-Module, then of all together")
        axes.grid(alpha=0.3)
    if len(lines) > 1:
        places[0].legend()


def _draw_preferences(axes: Axes, preferences: Mapping[str, Preference]) -> None:
    """Quality against cost by preference, cheapest first; the dashed line is what was asked for at least."""
    for label, preference in preferences.items():
        points = sorted(preference.curve.points, key=lambda point: point.share)
        (line,) = axes.plot([point.share for point in points], [point.psnr for point in points], label=label)
        chosen, colour = preference.chosen, line.get_color()
        axes.plot(chosen.share, chosen.psnr, "o", color=colour, label=f"chosen: speed {chosen.speed:g}")
        bound = preference.curve.full - preference.loss_db
        axes.axhline(bound, linestyle="--", color=colour, label=f"full network - {preference.loss_db:g} dB")
    axes.set_title("PSNR-RGB in dB by preference")
    axes.set_xlabel("executed operations, share of the full network's")
    axes.grid(alpha=0.3)
    axes.legend()


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


def _networks(runs: Sequence[RunResults]) -> dict[str, Sequence[Mapping[str, float]]]:
    """Validations of every stage that trains one network, by the run's name, and the stage's where it has several."""
    found: dict[str, Sequence[Mapping[str, float]]] = {}
    for run in runs:
        stages = {stage: figures for stage, figures in run.stages.items() if stage not in ROUTING_STAGES and figures}
        for stage, figures in stages.items():
            found[run.name if len(stages) == 1 else f"{run.name} {stage}"] = figures
    return found


def _points(stages: Validations) -> Points:
    """Validations of the routing stages, iterations counted through."""
    points: Points = []
    done = 0.0
    for stage in ROUTING_STAGES:
        figures = stages.get(stage, ())
        points += [(done + each["iteration"], each) for each in figures]
        done = points[-1][0] if points else done
    return points


def _shares(figures: Mapping[str, float]) -> list[float]:
    return [share for name, share in figures.items() if name.startswith(SHARE)]
