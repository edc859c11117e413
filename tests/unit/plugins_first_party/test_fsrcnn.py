"""FSRCNN: declarations probed, initialisations, widths and the authors' names."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from restoreroute_backbones.fsrcnn import FSRCNN, OFFICIAL, FsrcnnOptions, narrow

SCALES = sorted(FSRCNN.scales)


def make(width: int = 16, scale: int = 4, channels: int = 3, **options: str) -> nn.Module:
    torch.manual_seed(0)
    return FSRCNN.build(FsrcnnOptions.model_validate(options), width=width, scale=scale, channels=channels)


def deconvolution(network: nn.Module) -> nn.ConvTranspose2d:
    layer = network.get_submodule("deconv")
    assert isinstance(layer, nn.ConvTranspose2d)
    return layer


def test_scales() -> None:
    assert SCALES == [2, 3, 4]
    assert FSRCNN.local
    assert FSRCNN.size_multiple == 1


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 2), (17, 24)])
@pytest.mark.parametrize("channels", [1, 3])
def test_sizes_are_exact(scale: int, size: tuple[int, int], channels: int) -> None:
    with torch.inference_mode():
        restored = make(6, scale, channels)(torch.rand(2, channels, *size))
    assert restored.shape == (2, channels, size[0] * scale, size[1] * scale)


def bilinear(image: Tensor, scale: int) -> Tensor:
    return functional.interpolate(image, scale_factor=scale, mode="bilinear", align_corners=False)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("width", [3, 16, 56])
def test_it_starts_as_bilinear_interpolation(scale: int, width: int) -> None:
    network = make(width, scale)
    image = torch.rand(1, 3, 12, 10, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        restored = network(image)
    inside = slice(scale, -scale)
    error = (restored - bilinear(image, scale))[..., inside, inside]
    assert error.square().mean().sqrt() < 0.03  # the other channels' noise
    # without them it is exact, and outside the image lies zero
    with torch.no_grad():
        deconvolution(network).weight[3:] = 0
        restored = network(image)
    padded = bilinear(functional.pad(image, (1, 1, 1, 1)), scale)[..., inside, inside]
    torch.testing.assert_close(restored, padded, rtol=0, atol=1e-5)
    torch.testing.assert_close(restored[..., inside, inside], bilinear(image, scale)[..., inside, inside])


@pytest.mark.parametrize("scale", SCALES)
def test_a_constant_image_stays_constant_inside(scale: int) -> None:
    network = make(3, scale)
    with torch.inference_mode():
        restored = network(torch.full((1, 3, 8, 8), 0.6))
    torch.testing.assert_close(restored[..., scale:-scale, scale:-scale], torch.full((1, 3, 6 * scale, 6 * scale), 0.6))


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


def test_it_takes_two_initialisations_only() -> None:
    with pytest.raises(ValueError, match="interpolating"):
        FsrcnnOptions.model_validate({"initialisation": "bilinear"})


@pytest.mark.parametrize("width", [0, 2])
def test_a_width_below_the_channels(width: int) -> None:
    with pytest.raises(ValueError, match=f"at least 3, not {width}"):
        make(width)


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
        "a width sets": "features of the first convolution and of the deconvolution; the 12 between them stay",
        "scales": (2, 3, 4),
        "local": True,
        "learns": True,
        "size multiple": 1,
        "official checkpoints": True,
        "starts from a wider network": True,
    }


def test_narrowing_keeps_the_channels_that_matter() -> None:
    torch.manual_seed(1)
    wide, network = make(12), make(5)
    idle = [3, 4, 6, 7, 8, 10, 11]  # nothing goes in and nothing comes out
    with torch.no_grad():
        for layer, axis in (("feature", 0), ("shrink", 1), ("expand", 0), ("deconv", 0)):
            weight = wide.get_parameter(f"{layer}.weight")
            weight.index_fill_(axis, torch.tensor(idle), 0)
        narrow(wide, network)
        image = torch.rand(1, 3, 9, 9)
        torch.testing.assert_close(network(image), wide(image), rtol=0, atol=1e-6)
