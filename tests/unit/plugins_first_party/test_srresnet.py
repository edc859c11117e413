"""SRResNet: the names of published checkpoints."""

from __future__ import annotations

import pytest

from restoreroute_backbones.srresnet import OFFICIAL


def test_the_authors_names() -> None:
    assert OFFICIAL.rename("recon_trunk.11.conv2.bias") == "detail.block_11.second.bias"
    assert OFFICIAL.rename("upconv2.weight") == "detail.up_1.weight"
    with pytest.raises(KeyError):
        OFFICIAL.rename("conv_middle.weight")
