"""The whole extension surface of restoreroute.

A plugin is a module (or object) named by an entry point of the group ``restoreroute``, with functions marked
``@restoreroute.hookimpl``.  Every hook takes nothing and returns frozen descriptors.  Hooks are called once,
when a catalogue is made; they must be cheap, so import torch inside ``build``, never at the top.  A name that
another plugin already offers makes the whole later plugin invalid.
"""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from restoreroute.spec.backbone import BackboneFamily
from restoreroute.spec.difficulty import DifficultyEstimator
from restoreroute.spec.model import TrainedModel
from restoreroute.spec.runtime import Runtime
from restoreroute.spec.source import DataSource
from restoreroute.spec.task import Task

PROJECT = "restoreroute"

hookspec = pluggy.HookspecMarker(PROJECT)


@hookspec
def restoreroute_tasks() -> Sequence[Task]:
    """Tasks for ``task:`` in a recipe: how clean images are degraded and results judged."""
    raise AssertionError("specification only")


@hookspec
def restoreroute_backbones() -> Sequence[BackboneFamily]:
    """Backbone families for ``backbone:`` in a recipe: a network design at many widths."""
    raise AssertionError("specification only")


@hookspec
def restoreroute_difficulty_estimators() -> Sequence[DifficultyEstimator]:
    """Estimators for ``difficulty:`` in a recipe: what ranks sub-images before pre-training."""
    raise AssertionError("specification only")


@hookspec
def restoreroute_data_sources() -> Sequence[DataSource]:
    """Data sources for ``data:`` in a recipe: where clean images are, or pairs of clean and degraded ones."""
    raise AssertionError("specification only")


@hookspec
def restoreroute_runtimes() -> Sequence[Runtime]:
    """Runtimes for ``--runtime``: what runs the branches of a trained model."""
    raise AssertionError("specification only")


@hookspec
def restoreroute_models() -> Sequence[TrainedModel]:
    """Trained models for ``--model`` and ``restoreroute.load``, each a model file with its card."""
    raise AssertionError("specification only")
