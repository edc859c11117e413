"""Where networks run in bfloat16, and that losses and weights stay in float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from restoreroute.data.sub_images import Batch
from restoreroute.routing.branches import BranchBank
from restoreroute.routing.class_module import ClassModule
from restoreroute.routing.losses import RoutingLoss
from restoreroute.routing.router import Router
from restoreroute.spec.stages import JointStage, NetworkStage, PretrainStage, StageOptions, Stages
from restoreroute.training import precision
from restoreroute.training.loop import Stage
from restoreroute.training.pool import PooledBatch
from restoreroute.training.precision import forward_precision, missing_bfloat16, runs_in_bfloat16
from restoreroute.training.stages import Teacher, class_module_stage, joint_stage, network_stage

CPU, GPU = torch.device("cpu"), torch.device("cuda")
HALF: dict[str, Any] = {"iterations": 1, "batch": 2, "lr": 1e-3, "precision": "bfloat16"}
DEGRADED, CLEAN = torch.rand(2, 2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
BATCH = Batch(degraded=DEGRADED, clean=CLEAN)
MakeStage = Callable[[StageOptions], tuple[Stage[Batch], nn.Module]]


@pytest.fixture
def capable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU that may run in bfloat16 as a GPU does."""
    monkeypatch.setattr(precision, "_computes_in_bfloat16", lambda device: True)


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 3, padding=1))


def router() -> Router:
    torch.manual_seed(0)
    return Router(
        class_module=ClassModule(channels=3, branches=2, width=8),
        branches=BranchBank([network(1), network(2)], scale=1),
    )


def alone(options: StageOptions) -> tuple[Stage[Batch], nn.Module]:
    learner, stage = network(), NetworkStage(**options.model_dump(), fft=0.1, ms_ssim=0.1)
    teacher = Teacher(network=network(9), share=0.5)
    made = network_stage(
        "one", learner, options=stage, fetches=[lambda _: BATCH], validate=dict, device=CPU, teacher=teacher
    )
    return made, learner


def routed(make: Any) -> MakeStage:
    def stage(options: StageOptions) -> tuple[Stage[Batch], nn.Module]:
        learner, loss = router(), RoutingLoss(image=100.0, class_=1.0, average=6.0)
        made = make("s", learner, options=options, loss=loss, fetch=lambda _: BATCH, validate=dict, device=CPU)
        return made, made.network

    return stage


EACH = [alone, routed(class_module_stage), routed(joint_stage)]


def layers_seen(network: nn.Module) -> set[torch.dtype]:
    """Fills up with the types that convolutions give as the network runs."""
    seen: set[torch.dtype] = set()

    def look(_layer: nn.Module, _inputs: Any, output: Tensor) -> None:
        seen.add(output.dtype)

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(look)
    return seen


@pytest.mark.usefixtures("capable")
@pytest.mark.parametrize("make", EACH, ids=["network", "class module", "joint"])
def test_networks_run_in_bfloat16_and_losses_do_not(make: MakeStage) -> None:
    stage, learner = make(StageOptions(**HALF))
    exact, _ = make(StageOptions(**HALF | {"precision": "float32"}))
    seen = layers_seen(learner)

    losses = stage.parts[0].losses(BATCH)
    losses.terms["total"].backward()  # type: ignore[no-untyped-call]

    assert seen == {torch.bfloat16}
    for name, value in exact.parts[0].losses(BATCH).terms.items():
        assert losses.terms[name].dtype == torch.float32
        torch.testing.assert_close(losses.terms[name], value, rtol=0.02, atol=2e-3)
    for parameter in learner.parameters():
        assert parameter.dtype == torch.float32
        assert parameter.grad is not None
        assert parameter.grad.dtype == torch.float32
    assert losses.probability is None or losses.probability.dtype == torch.float32


@pytest.mark.usefixtures("capable")
def test_outputs_computed_before_are_mixed_too() -> None:
    stage, _ = routed(class_module_stage)(StageOptions(**HALF))
    outputs = [torch.rand(2, 3, 32, 32) for _ in range(2)]
    pooled = PooledBatch(degraded=BATCH.degraded, clean=BATCH.clean, outputs=outputs)

    assert stage.parts[0].losses(pooled).terms["image"].dtype == torch.float32


def test_a_device_that_can_not_runs_in_float32() -> None:
    stage, learner = alone(StageOptions(**HALF))
    seen = layers_seen(learner)

    stage.parts[0].losses(BATCH)

    assert seen == {torch.float32}


@pytest.mark.parametrize("supported", [True, False])
def test_which_devices_can(supported: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: supported)

    assert runs_in_bfloat16(GPU, StageOptions(**HALF)) is supported
    assert not runs_in_bfloat16(GPU, StageOptions(**HALF | {"precision": "float32"}))
    assert not runs_in_bfloat16(CPU, StageOptions(**HALF))


def test_a_notice_names_the_stages_that_asked() -> None:
    asking = Stages(pretrain=PretrainStage(precision="bfloat16"), joint=JointStage(precision="bfloat16"))

    assert missing_bfloat16(CPU, asking) == "cpu does not compute in bfloat16: pretrain, joint will run in float32"
    assert missing_bfloat16(CPU, Stages()) is None
    assert missing_bfloat16(CPU, Stages(joint=JointStage(precision="bfloat16", iterations=0))) is None


@pytest.mark.usefixtures("capable")
def test_a_device_that_can_needs_no_notice() -> None:
    assert missing_bfloat16(CPU, Stages(joint=JointStage(precision="bfloat16"))) is None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_a_gpu_runs_in_bfloat16() -> None:
    layer = nn.Conv2d(3, 4, 3).to(GPU)
    options = StageOptions(**HALF)

    with forward_precision(GPU, options):
        output = layer(torch.rand(1, 3, 8, 8, device=GPU))

    assert output.dtype == (torch.bfloat16 if runs_in_bfloat16(GPU, options) else torch.float32)
