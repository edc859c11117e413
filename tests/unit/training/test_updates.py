"""Updates that are recorded on a GPU and replayed come to what they come to otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from restoreroute.data.sub_images import Batch
from restoreroute.spec.events import ignore
from restoreroute.spec.stages import NetworkStage, Phase
from restoreroute.training.checkpoint import CheckpointFile
from restoreroute.training.loop import train
from restoreroute.training.stages import network_stage
from restoreroute.training.updates import is_recorded

CPU = torch.device("cpu")
RECORDED = NetworkStage(iterations=1, batch=2, lr=1e-3, record=True)


def test_only_a_gpu_records() -> None:
    assert not is_recorded(RECORDED, CPU)
    assert is_recorded(RECORDED, torch.device("cuda"))
    assert not is_recorded(RECORDED.model_copy(update={"record": False}), torch.device("cuda"))


def trained(file: Path, *, device: str, stop: int | None = None, **options: Any) -> dict[str, torch.Tensor]:
    """A small network after twelve updates of one size and eight of another."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3, padding=1), nn.SiLU(), nn.Conv2d(8, 8, 3, padding=1), nn.SiLU()]
    network = nn.Sequential(*layers, nn.Conv2d(8, 3, 3, padding=1)).to(device)
    stage_options = NetworkStage(
        **{
            "iterations": 12,
            "batch": 2,
            "lr": 2e-3,
            "warmup": 4,
            "clip": 0.1,
            "ema": 0.9,
            "checkpoint_every": 5,
            "phases": (Phase(iterations=8, loss="mse"),),
        }
        | options
    )

    def fetches(side: int, first: int) -> Any:
        def fetch(iteration: int) -> Batch:
            if stop == first + iteration:
                raise KeyboardInterrupt
            generator = torch.Generator().manual_seed(first + iteration)
            clean = torch.rand(2, 3, side, side, generator=generator)
            return Batch(degraded=clean + 0.1 * torch.randn(clean.shape, generator=generator), clean=clean)

        return fetch

    stage = network_stage(
        "one",
        network,
        options=stage_options,
        fetches=[fetches(12, 0), fetches(16, 12)],
        validate=lambda: {"psnr": 1.0},
        device=torch.device(device),
        ahead=0,
    )
    train(stage, file=CheckpointFile(file, key="k"), listen=ignore)
    return {name: tensor.cpu() for name, tensor in network.state_dict().items()}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("optimiser", ["adam", "adamw", "muon"])
def test_replayed_updates_are_the_same_updates(tmp_path: Path, optimiser: str) -> None:
    eager = trained(tmp_path / "a.pt", device="cuda", optimiser=optimiser)
    replayed = trained(tmp_path / "b.pt", device="cuda", optimiser=optimiser, record=True)

    for name, tensor in eager.items():
        torch.testing.assert_close(replayed[name], tensor, rtol=1e-3, atol=1e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("stop", [7, 15])
def test_replayed_updates_go_on_after_an_interruption(tmp_path: Path, stop: int) -> None:
    options = {"device": "cuda", "optimiser": "muon", "record": True}
    through = trained(tmp_path / "a.pt", **options)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "b.pt", **options, stop=stop)
    again = trained(tmp_path / "b.pt", **options)

    for name, tensor in through.items():
        torch.testing.assert_close(again[name], tensor, rtol=1e-3, atol=1e-4)
