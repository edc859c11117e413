"""FSRCNN alone: the border at the start, initialisations, published widths and the authors' names."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from restoreroute_backbones.fsrcnn import FSRCNN, OFFICIAL, FsrcnnOptions

SCALES = sorted(FSRCNN.scales)


def make(width: int = 16, scale: int = 4, channels: int = 3, **options: str) -> nn.Module:
    torch.manual_seed(0)
    return FSRCNN.build(FsrcnnOptions.model_validate(options), width=width, scale=scale, channels=channels)


def deconvolution(network: nn.Module) -> nn.ConvTranspose2d:
    layer = network.get_submodule("deconv")
    assert isinstance(layer, nn.ConvTranspose2d)
    return layer


@pytest.mark.parametrize("scale", SCALES)
def test_at_the_border_it_starts_as_if_zero_lay_outside(scale: int) -> None:
    network, image = make(16, scale), torch.rand(1, 3, 7, 6)
    with torch.no_grad():
        deconvolution(network).weight[3:] = 0  # the other channels
        restored = network(image)
    padded = functional.pad(image, (1, 1, 1, 1))
    expected = functional.interpolate(padded, scale_factor=scale, mode="bilinear", align_corners=False)
    torch.testing.assert_close(restored, expected[..., scale:-scale, scale:-scale], rtol=0, atol=1e-5)


def test_the_other_channels_reach_the_output_by_small_weights() -> None:
    weight = deconvolution(make(56)).weight[3:]
    assert weight.std().item() == pytest.approx(0.001, rel=0.1)
    assert abs(weight.mean().item()) < 1e-4


def test_the_official_initialisation_is_kaiming_times_a_tenth() -> None:
    network = make(56, initialisation="official")
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            fan_in = layer.weight[0].numel()
            assert layer.weight.std().item() == pytest.approx(0.1 * (2 / fan_in) ** 0.5, rel=0.25)
            assert layer.bias is not None
            assert (layer.bias == 0).all()
    for one, other in zip(network.parameters(), make(56).parameters(), strict=True):
        assert one.shape == other.shape
    shallow, deep = network.get_submodule("mapping_0").weight, make(56).get_submodule("mapping_0").weight
    assert shallow.std() < 0.5 * deep.std()


def test_published_widths() -> None:
    assert FSRCNN.widths == FSRCNN.widths_for(3) == (16, 36, 56)
    assert FSRCNN.widths_for(2) == (16, 56)
    assert FSRCNN.widths_for(4) == (16, 29, 43, 56)
    assert FSRCNN.widths_for(5) == (16, 26, 36, 46, 56)


def test_the_authors_names_cover_every_parameter() -> None:
    mine = list(make().state_dict())
    theirs = [OFFICIAL.original(name) for name in mine]
    assert [OFFICIAL.rename(name) for name in theirs] == mine
    assert OFFICIAL.rename("body_conv.6.0.bias") == "expand.bias"


@pytest.mark.parametrize("name", ["body_conv.7.weight", "head_conv.weight", "weight", ""])
def test_a_name_that_the_authors_do_not_have(name: str) -> None:
    with pytest.raises(KeyError):
        OFFICIAL.rename(name)


def test_facts_for_listings() -> None:
    assert FSRCNN.facts() == {
        "widths": (16, 36, 56),
        "quick widths": "multiples of 16",
        "a width sets": "features of the first convolution and of the deconvolution; the 12 between them stay",
        "scales": (2, 3, 4),
        "context": 8,
        "local": True,
        "learns": True,
        "size multiple": 1,
        "official checkpoints": True,
        "starts from a wider network": True,
    }
