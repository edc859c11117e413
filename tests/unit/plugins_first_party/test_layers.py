"""Parts that networks are composed of, each against what it should compute."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from restoreroute.imaging.resize import resize
from restoreroute_backbones.layers import (
    Bicubic,
    Cascade,
    ChannelAttention,
    FixedNorm,
    Gain,
    MeanShift,
    Residual,
    SiLU,
    Sum,
    convolution,
    steps_up,
)

CHANNELS = 4


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def features() -> Tensor:
    return torch.randn(2, CHANNELS, 5, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 1).double()


def numbers(*modules: nn.Module) -> int:
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


class TestCascade:
    def test_stages(self, features: Tensor) -> None:
        """Each is fed by the fusion before it; each fusion reads all that there is."""
        stages = [conv(CHANNELS, CHANNELS) for _ in range(3)]
        fusions = [conv((number + 2) * CHANNELS, CHANNELS) for number in range(3)]
        one = torch.cat([features, stages[0](features)], dim=1)
        two = torch.cat([one, stages[1](fusions[0](one))], dim=1)
        three = torch.cat([two, stages[2](fusions[1](two))], dim=1)
        torch.testing.assert_close(Cascade(stages, fusions)(features), fusions[2](three))

    def test_a_stage_used_again_shares_its_weights(self, features: Tensor) -> None:
        stage = conv(CHANNELS, CHANNELS)
        fusions = [conv((number + 2) * CHANNELS, CHANNELS) for number in range(3)]
        shared, apart = Cascade([stage], fusions), Cascade([stage, conv(CHANNELS, CHANNELS), stage], fusions)
        apart.stages[1].load_state_dict(stage.state_dict())
        torch.testing.assert_close(shared(features), apart(features))
        assert numbers(shared) == numbers(stage, *fusions)
        shared(features).sum().backward()
        learnt = stage.weight.grad
        stage.weight.grad = None
        apart(features).sum().backward()
        other = apart.stages[1].get_parameter("weight").grad
        assert learnt is not None
        assert other is not None
        assert stage.weight.grad is not None
        torch.testing.assert_close(learnt, stage.weight.grad + other)


class TestFixedNorm:
    def test_it_takes_no_statistics_of_the_batch(self, features: Tensor) -> None:
        layer = FixedNorm(CHANNELS).double()
        plain = nn.BatchNorm2d(CHANNELS).double().eval()
        state = {name: torch.rand_like(tensor) for name, tensor in plain.state_dict().items() if tensor.dim()}
        for each in (layer, plain):
            each.load_state_dict(state, strict=False)
        layer.train()
        for batch in (features, features[:1], 10 * features + 3):
            torch.testing.assert_close(layer(batch), plain(batch))
        for name, tensor in state.items():
            assert torch.equal(layer.state_dict()[name], tensor), name
        assert layer.num_batches_tracked == 0

    def test_its_scale_and_shift_learn(self, features: Tensor) -> None:
        layer = FixedNorm(CHANNELS).double().train()
        layer(features).square().sum().backward()
        for parameter in (layer.weight, layer.bias):
            assert parameter.grad is not None
            assert (parameter.grad != 0).all()


class TestMeanShift:
    SHIFT = (0.25, -0.5, 1.0)

    def test_it_adds_a_constant_to_each_channel(self) -> None:
        image = torch.rand(2, 3, 4, 5)
        expected = image + torch.tensor(self.SHIFT)[:, None, None]
        torch.testing.assert_close(MeanShift(self.SHIFT)(image), expected)

    def test_it_never_learns_and_lets_gradients_pass(self) -> None:
        layer = MeanShift(self.SHIFT).train().requires_grad_(True)
        before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
        optimiser = torch.optim.AdamW(layer.parameters(), lr=0.1, weight_decay=0.1)
        image = torch.rand(2, 3, 4, 5, requires_grad=True)
        layer(image).square().sum().backward()
        optimiser.step()
        assert all(torch.equal(tensor, before[name]) for name, tensor in layer.state_dict().items())
        assert image.grad is not None
        assert (image.grad != 0).any()

    def test_it_computes_with_what_a_checkpoint_gives_it(self) -> None:
        layer = MeanShift(self.SHIFT)
        layer.load_state_dict({"weight": 2 * torch.eye(3)[:, :, None, None], "bias": torch.ones(3)})
        image = torch.rand(2, 3, 4, 5)
        torch.testing.assert_close(layer(image), 2 * image + 1)
        assert numbers(layer) == 12


class TestSmallOnes:
    @pytest.mark.parametrize("factor", [1, 255, 1 / 255])
    def test_gain(self, features: Tensor, factor: float) -> None:
        torch.testing.assert_close(Gain(factor)(features), features * factor)
        assert numbers(Gain(factor)) == 0

    def test_residual(self, features: Tensor) -> None:
        one, other = conv(CHANNELS, 2), conv(2, CHANNELS)
        torch.testing.assert_close(Residual(one, nn.ReLU(), other)(features), features + other(one(features).relu()))

    def test_sum(self, features: Tensor) -> None:
        parts = {name: conv(CHANNELS, 2) for name in "abc"}
        torch.testing.assert_close(Sum(parts)(features), sum(part(features) for part in parts.values()))
        torch.testing.assert_close(Sum({"a": parts["a"]})(features), parts["a"](features))

    def test_steps_up(self) -> None:
        assert [steps_up(scale) for scale in (2, 3, 4)] == [(2,), (3,), (2, 2)]

    def test_convolution(self) -> None:
        network = nn.Sequential(OrderedDict(first=conv(3, 4), relu=nn.ReLU()))
        assert convolution(network, "first") is network[0]
        with pytest.raises(TypeError, match="relu is no convolution"):
            convolution(network, "relu")


class TestChannelAttention:
    @pytest.mark.parametrize("size", [(1, 1), (5, 6)])
    def test_one_weight_for_each_channel_of_each_image(self, size: tuple[int, int]) -> None:
        squeeze, excite = conv(CHANNELS, 2), conv(2, CHANNELS)
        nn.init.uniform_(squeeze.weight)  # nothing is cut off by the ReLU
        nn.init.zeros_(squeeze.bias)
        layer = ChannelAttention(OrderedDict(squeeze=squeeze, relu=nn.ReLU(), excite=excite, gate=nn.Sigmoid()))
        features = torch.rand(2, CHANNELS, *size, dtype=torch.float64) + 0.1
        weights = layer(features) / features
        assert weights.shape == features.shape
        means = features.mean(dim=(2, 3))[:, :, None, None]
        expected = excite(squeeze(means).relu()).sigmoid()
        assert expected.shape == (2, CHANNELS, 1, 1)
        torch.testing.assert_close(weights, expected.expand_as(features))
        assert not torch.allclose(weights[0], weights[1])


class TestBicubic:
    @pytest.mark.parametrize("scale", range(2, 9))
    @pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 6)])
    def test_it_is_the_enlargement_of_the_core(self, scale: int, size: tuple[int, int]) -> None:
        images = np.random.default_rng(0).random((2, *size, 3), dtype=np.float32)
        restored = Bicubic(scale)(torch.from_numpy(images).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
        for one, image in zip(restored, images, strict=True):
            np.testing.assert_allclose(one, resize(image, scale), rtol=0, atol=1e-5)

    def test_it_has_nothing_to_learn_or_save(self) -> None:
        assert numbers(Bicubic(2)) == 0
        assert not Bicubic(2).state_dict()


def test_silu_is_in_place_only_without_gradients(features: Tensor) -> None:
    expected = features * features.sigmoid()
    own = features.clone()

    with_gradients = SiLU()(own)
    assert torch.equal(own, features)
    with torch.no_grad():
        without = SiLU()(own)

    torch.testing.assert_close(with_gradients, expected)
    torch.testing.assert_close(without, expected)
    assert without is own
