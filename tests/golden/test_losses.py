"""Class- and Average-Loss against values that the authors' code gave."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from restoreroute.routing.losses import average_loss, class_loss


@pytest.mark.parametrize("batch", [1, 7, 96])
def test_losses(golden: Path, batch: int) -> None:
    (expected,) = (case for case in json.loads((golden / "losses.json").read_text()) if case["batch"] == batch)
    probability = torch.tensor(expected["probability"])
    assert probability.shape == (batch, 3)
    assert class_loss(probability).item() == pytest.approx(expected["class_loss"], abs=1e-6)
    assert average_loss(probability).item() == pytest.approx(expected["average_loss"], abs=1e-6)
