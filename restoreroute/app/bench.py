"""How long each way to restore a photo takes on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from restoreroute.app.devices import choose_device
from restoreroute.app.models import find_model
from restoreroute.app.plugins import open_catalogue
from restoreroute.app.runtimes import TORCH, move
from restoreroute.data.pairs import Pair, degraded_of, read_clean
from restoreroute.data.sub_images import as_tensor
from restoreroute.errors import InputError
from restoreroute.evaluation.breakdown import break_down
from restoreroute.evaluation.timing import TILES, WHOLE, alone, in_turn, ways
from restoreroute.imaging.color import to_float
from restoreroute.inference.calibration import measure_seconds, planner_by_seconds
from restoreroute.inference.memory import reuse_memory
from restoreroute.inference.scores import score_cells
from restoreroute.inference.seamless import Planner
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.recipe.resolve import load_recipe
from restoreroute.routing.model_file import Model, assemble, build_class_module, build_network, load_model
from restoreroute.routing.policies import Route, shares
from restoreroute.spec.events import Listener, WorkProgress, ignore
from restoreroute.spec.timings import Bench

RECIPE_SUFFIXES = frozenset({".yml", ".yaml"})


def bench(
    photo: Path,
    subject: str,
    *,
    wanted: Sequence[float] | None = None,
    rounds: int = 5,
    crop: int | None = None,
    device: str = "auto",
    runtime: str = TORCH,
    listen: Listener = ignore,
) -> Bench:
    """Time every way to restore a photo, in turn in this process, with regions cut by times measured just before.

    From then on the process reuses its memory (:func:`~restoreroute.inference.memory.reuse_memory`).

    Args:
        photo: a clean image; its degraded version is restored.
        subject: an installed model, a model file, or a recipe, whose networks are timed untrained.
        wanted: share of the cells that each branch gets, by difficulty of the photo's cells; None for what a trained
            Class-Module decides, or all of them for a single network.
        rounds: how often each way is timed.
        crop: side of the centre square of the photo that is taken, in clean pixels.
        runtime: what runs the branches.

    Raises:
        InputError: for a file that can't be used, shares that do not fit, a task that makes no degraded images, or a
            recipe of several branches without shares.
    """
    reuse_memory()
    catalogue = open_catalogue()
    chosen = choose_device(device)
    is_recipe = Path(subject).suffix in RECIPE_SUFFIXES
    loaded = _untrained(Path(subject), catalogue) if is_recipe else _trained(subject, catalogue)
    model = move(loaded, catalogue, chosen, runtime)
    if not model.task.offer.degrades:
        raise InputError(
            f"task {model.task.offer.name!r} makes no degraded images of clean ones",
            where=subject,
            hint="time the same networks in a recipe of another task",
        )
    bound = model.task.bound
    clean = read_clean(photo, bound)
    pair = Pair(file=photo, clean=clean, degraded=degraded_of(clean, bound))
    if crop is not None:
        pair = pair.centre(crop, bound.scale)
    image = as_tensor(pair.degraded_image(bound, seed=0)[None])[0].to(chosen)
    height, width = image.shape[1:]
    if min(height, width) < model.patch:
        raise InputError(
            f"has {width} x {height} degraded pixels, less than one patch of {model.patch}", where=str(photo)
        )
    if wanted is None and len(model.branches) == 1:
        wanted = (1.0,)
    if wanted is not None:
        routes = _by_difficulty(model, pair, wanted)
    elif is_recipe or model.class_module is None:
        raise InputError("routes nothing by itself", where=subject, hint="say which shares to route: --shares 61/23/16")
    else:
        scores = score_cells(model.class_module, image, cell=model.stride, patch=model.patch)
        routes = Planner.by_operations(model).route(scores, height, width)
    seconds = measure_seconds(
        model, chosen, progress=lambda done, total: listen(WorkProgress(step="calibrate", done=done, total=total))
    )
    planner = planner_by_seconds(model, seconds)
    timings = in_turn(
        ways(model, image, routes, planner),
        rounds=rounds,
        progress=lambda done, total: listen(WorkProgress(step="bench", done=done, total=total)),
    )
    return Bench(
        name=subject,
        height=height,
        width=width,
        scale=bound.scale,
        shares=shares(routes, len(model.branches)),
        references=tuple(way for way in (WHOLE, TILES) if way in timings),
        timings=timings,
        alone=alone(model),
        breakdown=break_down(planner, image, routes, rounds=rounds),
    )


def _trained(subject: str, catalogue: Catalogue) -> Model:
    return load_model(find_model(subject, catalogue).model, catalogue)


def _untrained(recipe: Path, catalogue: Catalogue) -> Model:
    """The networks of a recipe as they start."""
    plan = load_recipe(recipe, catalogue, ())
    options = None if plan.difficulty is None else plan.class_module
    channels, branches = plan.task.bound.channels, len(plan.branches)
    return assemble(
        task=plan.task,
        plans=plan.branches,
        networks=[build_network(branch, plan.task, seed=plan.seed) for branch in plan.branches],
        class_module=None
        if options is None
        else build_class_module(options, channels=channels, branches=branches, seed=plan.seed),
        class_module_options=options,
        patch=plan.routing.patch,
        stride=plan.routing.stride,
        speed=plan.routing.speed or 0.0,
        providers=plan.providers,
        summary={},
    )


def _by_difficulty(model: Model, pair: Pair, wanted: Sequence[float]) -> Route:
    """Routes of given shares: the easiest cells to the cheapest branch, by the error of interpolation."""
    if len(wanted) != len(model.branches) or abs(sum(wanted) - 1) > 0.011:
        given = "/".join(f"{100 * share:.0f}" for share in wanted)
        raise InputError(
            f"{given} are not the shares of {len(model.branches)} branches",
            where="shares",
            hint="give one per cent for each branch, cheapest first, 100 in all",
        )
    bound = model.task.bound
    error = to_float(pair.clean) - bound.interpolate(pair.degraded_image(bound, seed=0)).clip(0, 1)
    side = model.stride * bound.scale
    score = _cell_means(np.square(error).mean(axis=2), side)
    rank = score.ravel().argsort(kind="stable").argsort(kind="stable") / score.size
    edges = np.cumsum(np.asarray(wanted, dtype=np.float64))[:-1]
    return np.digitize(rank, edges).reshape(score.shape).astype(np.int64)


def _cell_means(values: NDArray[np.float32], side: int) -> NDArray[np.float64]:
    """(H, W) -> the mean of each square; those at right and bottom may be smaller."""
    edges = [np.arange(0, length, side) for length in values.shape]
    sums = np.add.reduceat(np.add.reduceat(values.astype(np.float64), edges[0], axis=0), edges[1], axis=1)
    sizes = [np.diff(np.append(edge, length)) for edge, length in zip(edges, values.shape, strict=True)]
    means: NDArray[np.float64] = sums / np.outer(*sizes)
    return means
