"""The Class-Module."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from restoreroute.routing.class_module import ClassModule


@pytest.mark.parametrize("branches", range(2, 7))
@pytest.mark.parametrize("side", [(4, 4), (32, 32), (33, 47)])
def test_one_logit_for_each_branch(branches: int, side: tuple[int, int]) -> None:
    module = ClassModule(channels=3, branches=branches, width=8)
    assert module(torch.rand(5, 3, *side)).shape == (5, branches)


def test_sizes_of_the_paper() -> None:
    parameters = sum(parameter.numel() for parameter in ClassModule(channels=3, branches=3).parameters())
    assert parameters == 60_035


def test_patches_of_a_batch_do_not_see_each_other() -> None:
    module = ClassModule(channels=3, branches=3, width=8)
    batch = torch.rand(4, 3, 32, 32)
    with torch.no_grad():
        single = torch.cat([module(patch[None]) for patch in batch])
        torch.testing.assert_close(module(batch), single, rtol=0, atol=1e-6)


def test_one_pass_over_the_image_gives_the_patches_of_the_grid() -> None:
    # no padding, and the step of 28 is a multiple of the stride 4: 8 x 8 averages of the features at step 7
    module = ClassModule(channels=3, branches=3, width=16)
    image = torch.rand(1, 3, 32 + 2 * 28, 32 + 28)
    with torch.no_grad():
        means = functional.avg_pool2d(module.features(image), 8, stride=7)  # (1, 32, 3, 2)
        dense = module.logits(means.permute(0, 2, 3, 1)).reshape(6, 3)
        patches = torch.cat([image[..., y : y + 32, x : x + 32] for y in (0, 28, 56) for x in (0, 28)])
        torch.testing.assert_close(dense, module(patches), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("branches", "width", "said"), [(1, 8, "2 branches, not 1"), (3, 0, "at least 1, not 0")])
def test_refuses_what_can_not_route(branches: int, width: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ClassModule(channels=3, branches=branches, width=width)


def test_starting_from_contrast_brightness_is_not_seen() -> None:
    torch.manual_seed(0)
    module = ClassModule(channels=3, branches=3, width=16)
    texture = torch.rand(4, 3, 32, 32) * 0.2
    with torch.no_grad():
        torch.testing.assert_close(module(texture + 0.7), module(texture), rtol=0, atol=1e-4)
        assert not torch.allclose(module(texture * 3), module(texture), atol=1e-2)


def test_the_uniform_start_is_torchs_own() -> None:
    torch.manual_seed(0)
    module = ClassModule(channels=3, branches=3, width=16, initialisation="uniform")
    first = module.features[0]
    assert isinstance(first, nn.Conv2d)
    assert first.weight.mean(dim=(2, 3)).abs().max() > 1e-3
    assert first.weight.abs().max() <= 48**-0.5
