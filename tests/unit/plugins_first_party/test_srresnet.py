"""SRResNet: its start, and the names of published checkpoints."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from restoreroute_backbones.srresnet import OFFICIAL, SRRESNET, SrresnetOptions

SCALES = sorted(SRRESNET.scales)


def make(width: int = 8, scale: int = 4, **options: object) -> nn.Module:
    torch.manual_seed(0)
    return SRRESNET.build(SrresnetOptions.model_validate(options), width=width, scale=scale, channels=3)


def test_the_interpolating_start_is_bilinear() -> None:
    image = torch.rand(1, 3, 7, 6)
    with torch.inference_mode():
        bilinear = functional.interpolate(image, scale_factor=4, mode="bilinear", align_corners=False)
        torch.testing.assert_close(make(blocks=2)(image), bilinear, rtol=0, atol=1e-6)
        assert not torch.equal(make(blocks=2, initialisation="official")(image), bilinear)


def test_the_authors_names() -> None:
    assert OFFICIAL.rename("recon_trunk.11.conv2.bias") == "detail.block_11.second.bias"
    assert OFFICIAL.rename("upconv2.weight") == "detail.up_1.weight"
    with pytest.raises(KeyError):
        OFFICIAL.rename("conv_middle.weight")
