"""Routed image restoration: computation where the image needs it.

The names below are the public interface for users (:func:`run`, :func:`load`) and for plugin authors
(:data:`hookimpl`, together with :mod:`restoreroute.spec` and :mod:`restoreroute.imaging`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from restoreroute.app.restorer import Restorer
    from restoreroute.spec.results import RunResults

__all__ = ["hookimpl", "load", "run"]

hookimpl = pluggy.HookimplMarker("restoreroute")
"""Marks a function of a plugin as a hook implementation."""


def load(model: str | Path) -> Restorer:
    """Load a model for restoring images.

    Args:
        model: the name of an installed model, such as ``"sr-fsrcnn-x4"``, or a ``.safetensors`` file that a run wrote.

    Raises:
        restoreroute.errors.InputError: if there is no such model, or the file is no model file.
        restoreroute.errors.PluginError: if a plugin that the model needs is not installed.
    """
    from restoreroute.app.restorer import load_restorer

    return load_restorer(model)


def run(recipe: str | Path, overrides: Mapping[str, Any] | None = None) -> RunResults:
    """Run a recipe to its end: data, training, evaluation.

    Args:
        recipe: path of a recipe file.
        overrides: values by dotted key, e.g. ``{"stages.joint.lr": 1e-4}``.

    Raises:
        restoreroute.errors.RecipeError: with everything that is wrong with the recipe.
        restoreroute.errors.TrainingError: if a stage can't go on.
    """
    from restoreroute.app.run import run_recipe

    return run_recipe(Path(recipe), overrides=overrides or {})
