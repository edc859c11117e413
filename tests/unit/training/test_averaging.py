"""The moving average of weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from restoreroute.spec.events import ignore
from restoreroute.training.averaging import WeightAverage
from restoreroute.training.checkpoint import CheckpointFile
from restoreroute.training.loop import train


class Number(nn.Module):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([value]))


def test_the_average_spans_a_tenth_of_the_updates_at_first_and_then_what_its_decay_says() -> None:
    network = Number(0.0)
    average = WeightAverage(network, decay=0.5)
    expected = 0.0
    for update, value in enumerate([4.0, 8.0, 2.0, 16.0, 1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 13.0]):
        network.weight.data.fill_(value)
        average.update(network)
        decay = min(0.5, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay) * value
    average.give_to(network)
    assert network.weight.item() == pytest.approx(expected)


def test_a_network_has_the_average_only_meanwhile() -> None:
    network = Number(0.0)
    average = WeightAverage(network, decay=0.9)
    for value in (10.0, 20.0):
        network.weight.data.fill_(value)
        average.update(network)
    with average.taken_by(network):
        assert network.weight.item() == pytest.approx(20 - (20 - 9) * 2 / 11)
    assert network.weight.item() == 20.0


def test_a_stage_validates_and_keeps_the_average(make_stage: Any, file: CheckpointFile) -> None:
    seen: list[Tensor] = []
    network = nn.Linear(3, 3)

    def validate() -> dict[str, float]:
        seen.append(network.weight.detach().clone())
        return {"psnr": 1.0}

    train(make_stage(network=network, validate=validate, ema=0.99, iterations=10), file=file, listen=ignore)

    saved = file.load(listen=ignore)
    assert saved is not None
    assert torch.equal(seen[-1], network.weight)
    assert not torch.equal(saved.network["weight"], network.weight)  # the last weights, from which training goes on


def test_an_interrupted_stage_ends_with_the_same_average(make_stage: Any, file: CheckpointFile) -> None:
    options = {"ema": 0.9, "iterations": 12, "checkpoint_every": 4}
    through = make_stage(**options)
    train(through, file=CheckpointFile(file.path.with_name("other.pt"), key="key"), listen=ignore)
    fetch = through.parts[0].fetch

    def interrupted(iteration: int) -> Tensor:
        if iteration == 6:
            raise KeyboardInterrupt
        return fetch(iteration)

    with pytest.raises(KeyboardInterrupt):
        train(make_stage(**options, fetch=interrupted), file=file, listen=ignore)
    again = make_stage(**options)
    train(again, file=file, listen=ignore)
    finished = make_stage(**options, network=nn.Linear(3, 3))
    train(finished, file=file, listen=ignore)

    assert torch.equal(again.network.weight, through.network.weight)
    assert torch.equal(finished.network.weight, through.network.weight)
