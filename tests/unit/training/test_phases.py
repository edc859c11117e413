"""Stages of several parts."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from restoreroute.spec.events import TrainingProgress, ignore
from restoreroute.spec.stages import NetworkStage, Phase, PretrainStage, StageOptions
from restoreroute.training.checkpoint import CheckpointFile
from restoreroute.training.loop import Part, Stage, learning_rate, train
from restoreroute.training.updates import StepLosses


def stage_of(network: nn.Module, calls: list[tuple[str, int]], *, clip: float | None = None) -> Stage[Tensor]:
    def part(name: str, iterations: int, lr: float) -> Part[Tensor]:
        def fetch(iteration: int) -> Tensor:
            return torch.randn(2, 3, generator=torch.Generator().manual_seed(iteration))

        def losses(batch: Tensor) -> StepLosses:
            calls.append((name, len(calls)))
            loss = (network(batch) - batch).square().mean()
            return StepLosses(terms={"total": loss * 1e3, "image": loss})

        return Part(options=StageOptions(iterations=iterations, batch=2, lr=lr), fetch=fetch, losses=losses)

    options = StageOptions(iterations=5, batch=2, lr=1e-2, checkpoint_every=1, validate_every=100, clip=clip)
    return Stage(
        name="two",
        options=options,
        network=network,
        parts=[part("first", 5, 1e-2), part("second", 3, 1e-3)],
        validate=lambda: {"psnr": 1.0},
    )


def test_parts_follow_each_other_with_a_schedule_each(tmp_path: Path) -> None:
    calls: list[tuple[str, int]] = []
    rates: list[float] = []
    stage = stage_of(nn.Linear(3, 3), calls)

    validations = train(
        stage,
        file=CheckpointFile(tmp_path / "a.pt", key="k"),
        listen=lambda event: rates.append(event.learning_rate) if isinstance(event, TrainingProgress) else None,
    )

    assert [name for name, _ in calls] == ["first"] * 5 + ["second"] * 3
    first, second = (part.options for part in stage.parts)
    assert rates == [learning_rate(first, i) for i in range(5)] + [learning_rate(second, i) for i in range(3)]
    assert validations == [{"iteration": 8, "psnr": 1.0}]


@pytest.mark.parametrize("stop", [3, 5, 6])
def test_an_interrupted_stage_goes_on_in_the_right_part(tmp_path: Path, stop: int) -> None:
    def network() -> nn.Module:
        torch.manual_seed(0)
        return nn.Linear(3, 3)

    through, again = network(), network()
    train(stage_of(through, []), file=CheckpointFile(tmp_path / "a.pt", key="k"), listen=ignore)
    file = CheckpointFile(tmp_path / "b.pt", key="k")

    class Stop(list[tuple[str, int]]):
        def append(self, call: tuple[str, int]) -> None:
            if len(self) == stop:
                raise KeyboardInterrupt
            super().append(call)

    with pytest.raises(KeyboardInterrupt):
        train(stage_of(network(), Stop()), file=file, listen=ignore)
    calls: list[tuple[str, int]] = []
    train(stage_of(again, calls), file=file, listen=ignore)

    assert len(calls) == 8 - stop
    assert all(torch.equal(one, other) for one, other in zip(again.parameters(), through.parameters(), strict=True))


def test_long_gradients_are_scaled_down(tmp_path: Path) -> None:
    norms: list[float] = []
    network = nn.Linear(3, 3)
    stage = stage_of(network, [], clip=0.5)
    step = torch.optim.Adam.step

    def recorded(self: torch.optim.Adam, closure: None = None) -> None:
        norms.append(torch.cat([parameter.grad.flatten() for parameter in network.parameters()]).norm().item())
        step(self, closure)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.Adam, "step", recorded)
        train(stage, file=CheckpointFile(tmp_path / "a.pt", key="k"), listen=ignore)

    assert max(norms) == pytest.approx(0.5, rel=1e-3)


def test_a_phase_takes_from_the_stage_what_it_does_not_say() -> None:
    stage = NetworkStage(
        iterations=100,
        batch=16,
        lr=1e-3,
        warmup=10,
        loss="charbonnier",
        phases=(Phase(iterations=20, sub_image=64, loss="mse", lr=2e-4), Phase(iterations=5)),
    )

    first, second, third = stage.parts()

    assert stage.total == 125
    assert (first.iterations, first.warmup, first.loss, first.sub_image) == (100, 10, "charbonnier", None)
    assert (second.iterations, second.warmup, second.loss, second.sub_image) == (20, 0, "mse", 64)
    assert (second.lr, second.batch, second.lr_final) == (2e-4, 16, stage.lr_final)
    assert (third.iterations, third.loss, third.lr) == (5, "charbonnier", 1e-3)


def test_a_branch_that_is_not_trained_has_no_phases() -> None:
    stage = PretrainStage(iterations=10, per_branch=(0, 4), phases=(Phase(iterations=3),))

    assert [stage.of_branch(number).total for number in range(2)] == [0, 7]
