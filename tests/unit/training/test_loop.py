"""The loop of every stage."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from restoreroute.errors import TrainingError
from restoreroute.spec.events import Event, TrainingProgress, Validated, ignore
from restoreroute.spec.stages import JointStage, StageOptions
from restoreroute.training.checkpoint import CheckpointFile
from restoreroute.training.loop import learning_rate, train


def rates(**options: Any) -> list[float]:
    settings = StageOptions(**{"iterations": 10, "batch": 1, "lr": 1e-3, "lr_final": 1e-5} | options)
    return [learning_rate(settings, iteration) for iteration in range(settings.iterations)]


def test_the_cosine_runs_from_first_to_last_rate() -> None:
    values = rates(iterations=1000)

    assert values[0] == 1e-3
    assert values[500] == pytest.approx((1e-3 + 1e-5) / 2)
    assert values[250] == pytest.approx(1e-5 + (1e-3 - 1e-5) * (1 + math.cos(math.pi / 4)) / 2)
    assert values[-1] == pytest.approx(1e-5, rel=1e-2)
    assert values == sorted(values, reverse=True)
    assert learning_rate(StageOptions(iterations=1000, batch=1, lr=1e-3, lr_final=1e-5), 1000) == pytest.approx(1e-5)


def test_warm_up_rises_to_the_rate_and_the_cosine_follows() -> None:
    values = rates(warmup=4)

    assert values[:4] == pytest.approx([0.25e-3, 0.5e-3, 0.75e-3, 1e-3])
    assert values[4] == 1e-3
    assert values[4:] == pytest.approx(rates(iterations=6))


@pytest.mark.parametrize("options", [{"iterations": 1}, {"iterations": 2, "warmup": 1}])
def test_the_shortest_stages_have_a_rate(options: dict[str, int]) -> None:
    assert rates(**options) == [1e-3] * options["iterations"]


def test_the_optimiser_gets_the_rate_of_each_iteration(make_stage: Any, file: CheckpointFile) -> None:
    seen: list[float] = []
    progress: list[Event] = []
    stage = make_stage(checkpoint_every=1, warmup=2, iterations=5)

    def listen(event: Event) -> None:
        progress.append(event)
        if isinstance(event, TrainingProgress):
            seen.append(event.learning_rate)

    train(stage, file=file, listen=listen)

    assert seen == [learning_rate(stage.options, iteration) for iteration in range(5)]
    found = file.load(listen=ignore)
    assert found is not None
    assert found.optimiser["param_groups"][0]["lr"] == seen[-1]
    assert found.optimiser["param_groups"][0]["betas"] == (0.9, 0.99)


def test_it_learns_and_reports(make_stage: Any, file: CheckpointFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("restoreroute.training.loop.REPORT_SECONDS", 1e9)
    events: list[Event] = []
    stage = make_stage(iterations=200, lr=0.05, checkpoint_every=50, validate_every=80)

    validations = train(stage, file=file, listen=events.append)

    progress = [event for event in events if isinstance(event, TrainingProgress)]
    assert [event.iteration for event in progress] == [50, 100, 150, 200]
    assert progress[-1].losses["image"] < progress[0].losses["image"] / 100
    assert all(event.rate > 0 for event in progress)
    assert [event.seconds_left == 0 for event in progress] == [False, False, False, True]
    assert [event.iteration for event in events if isinstance(event, Validated)] == [80, 160, 200]
    assert [one["iteration"] for one in validations] == [80, 160, 200]


def test_reports_are_means_since_the_last_one(make_stage: Any, file: CheckpointFile) -> None:
    def losses(network: nn.Module, batch: Tensor) -> Tensor:
        return batch.mean() + 0 * network(batch).sum()

    events: list[Event] = []
    stage = make_stage(fetch=lambda iteration: torch.full((1, 3), float(iteration)), losses=losses, iterations=6)

    train(stage, file=file, listen=events.append)

    reported = [(event.iteration, event.losses["image"]) for event in events if isinstance(event, TrainingProgress)]
    assert reported == [(4, pytest.approx(1.5)), (6, pytest.approx(4.5))]


def test_no_iterations_leave_everything_as_it_is(make_stage: Any, file: CheckpointFile) -> None:
    stage = make_stage(iterations=0)
    before = stage.network.weight.clone()
    events: list[Event] = []

    assert train(stage, file=file, listen=events.append) == []

    assert torch.equal(stage.network.weight, before)
    assert events == []
    assert not file.path.exists()


def test_a_finished_stage_is_loaded_and_not_trained(make_stage: Any, file: CheckpointFile) -> None:
    first = make_stage()
    validations = train(first, file=file, listen=ignore)
    second = make_stage(network=nn.Linear(3, 3), fetch=lambda iteration: pytest.fail("nothing is left to do"))

    assert train(second, file=file, listen=lambda event: pytest.fail(str(event))) == validations
    assert torch.equal(second.network.weight, first.network.weight)


def test_validation_sees_the_network_in_evaluation_mode(make_stage: Any, file: CheckpointFile) -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    modes: list[tuple[bool, bool]] = []
    stage = make_stage(network=network.train(), validate=lambda: modes.append(mode()) or {"psnr": 1.0})

    def mode() -> tuple[bool, bool]:
        return network.training, torch.is_inference_mode_enabled()

    train(stage, file=file, listen=ignore)

    assert modes == [(False, True)] * 2
    assert network.training


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_ends_the_stage(value: float, make_stage: Any, file: CheckpointFile) -> None:
    def losses(network: nn.Module, batch: Tensor) -> Tensor:
        bad = value if batch[0, 0] == 6 else 1.0
        return network(batch).square().mean() * bad

    stage = make_stage(fetch=lambda iteration: torch.full((1, 3), float(iteration)), losses=losses)

    with pytest.raises(TrainingError, match=r"loss became (nan|inf)") as caught:
        train(stage, file=file, listen=ignore)

    assert caught.value.where == "stage double"
    assert caught.value.exit_code == 1
    found = file.load(listen=ignore)
    assert found is not None
    assert found.iteration == 4
    assert all(tensor.isfinite().all() for tensor in found.network.values())


def test_weights_that_are_not_finite_do_not_replace_a_good_checkpoint(make_stage: Any, file: CheckpointFile) -> None:
    """The loss is finite, its gradient is not: sqrt at 0."""

    def losses(network: nn.Module, batch: Tensor) -> Tensor:
        output = network(batch).square().mean()
        return (output * 0).sqrt() if batch[0, 0] == 7 else output

    stage = make_stage(fetch=lambda iteration: torch.full((1, 3), float(iteration)), losses=losses)

    with pytest.raises(TrainingError, match="weight is not finite after iteration 8") as caught:
        train(stage, file=file, listen=ignore)

    assert caught.value.where == "stage double"
    found = file.load(listen=ignore)
    assert found is not None
    assert found.iteration == 4


def test_an_error_in_loading_data_comes_out(make_stage: Any, file: CheckpointFile) -> None:
    def fetch(iteration: int) -> Tensor:
        if iteration == 5:
            raise OSError("the disk is gone")
        return torch.ones(1, 3)

    with pytest.raises(OSError, match="the disk is gone"):
        train(make_stage(fetch=fetch), file=file, listen=ignore)
    found = file.load(listen=ignore)
    assert found is not None
    assert found.iteration == 4


def test_defaults_are_the_papers() -> None:
    joint = JointStage()

    assert (joint.iterations, joint.batch, joint.lr, joint.beta1, joint.beta2) == (200_000, 96, 2e-4, 0.9, 0.99)
    assert joint.lr_final == 1e-7
