"""Quality against cost of one model, by the budget it may spend."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from restoreroute.data.pairs import Pair
from restoreroute.data.sub_images import as_tensor
from restoreroute.errors import InputError
from restoreroute.evaluation.evaluate import mean_quality
from restoreroute.evaluation.protocols import WholeProtocol
from restoreroute.imaging.color import to_float
from restoreroute.inference.engine import restore_cells, restore_whole
from restoreroute.inference.scores import score_cells
from restoreroute.inference.seamless import Effort, Planner, operations_of_all, whole_image
from restoreroute.routing.model_file import Model
from restoreroute.routing.policies import Route, shares
from restoreroute.spec.events import Listener, Notice, WorkProgress
from restoreroute.spec.results import Quality, SweepPoint, SweepResult

STEP = "sweep"


def sweep(
    model: Model,
    pairs: Sequence[Pair],
    budgets: Sequence[float],
    *,
    name: str,
    set_name: str,
    baseline: Model | None,
    seed: int,
    device: torch.device,
    listen: Listener,
) -> SweepResult:
    """Restore a set under each budget, as ``restore`` does, and measure whole 8-bit images.

    Args:
        model: with a Class-Module.
        name: of the model.
        budgets: shares of the full network's executed operations; a budget that an image can't keep is left out.
        baseline: the full network trained alone; the model's last branch if None.

    Returns:
        The baseline, the route that the model was trained for, and a point for each budget, cheapest first.

    Raises:
        ValueError: for a model that routes nothing.
    """
    if model.class_module is None:
        raise ValueError("a model that routes nothing has nothing to sweep")
    efforts = [Effort(), *(Effort(budget=budget) for budget in sorted(budgets))]
    full = (model if baseline is None else baseline).branches[-1]
    reference: list[Quality] = []
    found: dict[Effort, list[tuple[Quality, float, Route]]] = {effort: [] for effort in efforts}
    planner = Planner.by_operations(model)
    task = model.task.bound
    protocol = WholeProtocol(patch=model.patch, cell=model.stride, crop_border=task.crop_border)
    calls = len(pairs) * (1 + len(efforts))
    for number, pair in enumerate(pairs):
        image = as_tensor(pair.degraded_image(task, seed=seed)[None])[0].to(device)
        clean = to_float(np.asarray(pair.clean))

        def quality(restored: Tensor, clean: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = clean) -> Quality:
            return protocol.quality(restored.permute(1, 2, 0).cpu().numpy(), clean)

        reference.append(quality(restore_whole(full, image)))
        scores = score_cells(model.class_module, image, cell=model.stride, patch=model.patch)
        for position, effort in enumerate(efforts):
            listen(WorkProgress(step=STEP, done=number * (1 + len(efforts)) + position + 1, total=calls))
            height, width = image.shape[1:]
            try:
                routes = planner.route(scores, height, width, effort=effort)
            except InputError as error:
                listen(Notice(text=f"budget {effort.budget} is left out: on {pair.file.name} {error}"))
                continue
            regions = planner.merge(routes, height, width)
            restored = restore_cells(model.branches, image, regions.tiles, regions.route)
            executed = operations_of_all(model, regions.tiles, regions.route)
            judged = routes.size * model.class_module_cost.executed
            spent = (executed + judged) / whole_image(model, height, width)
            found[effort].append((quality(restored), spent, regions.cells.ravel()))
    listen(WorkProgress(step=STEP, done=calls, total=calls))
    return SweepResult(
        model=name,
        set_name=set_name,
        images=len(pairs),
        baseline=mean_quality(reference),
        class_module=model.class_module_cost.executed / whole_image(model, model.stride, model.stride),
        points=tuple(
            SweepPoint(
                budget=effort.budget,
                spent=fmean(spent for _, spent, _ in figures),
                quality=mean_quality([quality for quality, _, _ in figures]),
                shares=shares(np.concatenate([cells for _, _, cells in figures]), len(model.branches)),
            )
            for effort, figures in found.items()
            if len(figures) == len(pairs)
        ),
    )
