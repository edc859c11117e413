"""Which file a model is: one that a plugin brings, called by its name, or any model file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from restoreroute.errors import InputError
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.spec.model import TrainedModel

BASELINE_NAME = "baseline.safetensors"


@dataclass(frozen=True, kw_only=True)
class ModelFiles:
    """A model file, and that of the full network alone where there is one."""

    model: Path
    baseline: Path | None


def find_model(model: str | Path, catalogue: Catalogue) -> ModelFiles:
    """The files of a model.

    Args:
        model: a name that a plugin offers, or the path of a model file, whose baseline lies beside it.  Where a file
            has the name of an offered model, the model is meant; ``./NAME`` is the file.

    Raises:
        InputError: if it is neither, or a plugin's file is missing.
    """
    text = str(model)
    if text in catalogue.models.names():
        offer = catalogue.models.get(text)
        _require_file(offer, catalogue)
        return ModelFiles(model=offer.file, baseline=offer.baseline)
    path = Path(model).expanduser()
    if not path.exists() and path.name == text and not path.suffix:
        catalogue.models.get(text)  # a name, and an unknown one: says which are known
    beside = path.parent / BASELINE_NAME
    return ModelFiles(model=path, baseline=beside if beside.is_file() and beside != path else None)


def _require_file(offer: TrainedModel, catalogue: Catalogue) -> None:
    if not offer.file.is_file():
        provider = catalogue.provider(offer)
        raise InputError(
            f"the file of model {offer.name!r} is missing",
            where=str(offer.file),
            hint=f"install {provider.distribution} again",
        )
