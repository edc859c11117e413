"""Restorations that a difficulty estimator may measure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from restoreroute.app.models import find_model
from restoreroute.errors import InputError
from restoreroute.inference.batches import by_interpolation, by_network
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.routing.trained_networks import read_networks
from restoreroute.spec.task import BoundTask

if TYPE_CHECKING:
    from restoreroute.spec.difficulty import Restore


class RunReferences:
    """See :class:`restoreroute.spec.difficulty.References`.

    Args:
        task: that the networks are of.
        catalogue: where models and families are looked up.
        baseline: of this run, or None before it is trained.
        device: where networks run.
        where: the part of the recipe that asks.

    Attributes:
        uses_baseline: whether the run's own baseline was asked for, so that scores depend on it.
        files: model files that were asked for.
    """

    def __init__(
        self,
        task: BoundTask,
        catalogue: Catalogue,
        baseline: nn.Module | None,
        device: torch.device,
        *,
        where: str = "difficulty",
    ) -> None:
        self.task = task
        self.catalogue = catalogue
        self.baseline = baseline
        self.device = device
        self.where = where
        self.uses_baseline = False
        self.files: list[Path] = []

    def interpolation(self) -> Restore:
        """The task's own interpolation."""
        return by_interpolation(self.task)

    def network(self, model: str | None) -> Restore:
        """A model file's widest network, or this run's baseline for None."""
        if model is not None:
            path = find_model(model, self.catalogue).model
            trained = read_networks(path, self.catalogue, untold_scale=self.task.scale)
            if trained.scale != self.task.scale:
                raise InputError(
                    f"restores at scale {trained.scale}, this run at {self.task.scale}",
                    where=str(path),
                    hint="difficulty is measured by a network of the run's scale",
                )
            _, network = trained.branches[-1]
            network.to(self.device).eval()
            self.files.append(path)
        elif self.baseline is None:
            raise InputError(
                "is to be measured by this run's baseline, and there is none yet",
                where=self.where,
                hint=f"name a trained one: {self.where}.model=FILE",
            )
        else:
            self.uses_baseline = True
            network = self.baseline
        return by_network(network, self.device)
