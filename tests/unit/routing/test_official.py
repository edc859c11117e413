"""Routed and single checkpoints that are made here.  The golden ones are in tests/golden."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import published
import pytest
import torch
from torch import Tensor

from restoreroute.errors import InputError, UnknownNameError
from restoreroute.plugin.catalogue import Catalogue, Offered
from restoreroute.routing.official import Checkpoint, read_checkpoint
from restoreroute.spec.plan import Provider
from restoreroute_backbones.carn import CARN
from restoreroute_backbones.compact import COMPACT
from restoreroute_backbones.fsrcnn import FSRCNN
from restoreroute_backbones.rcan import RCAN
from restoreroute_backbones.srresnet import SRRESNET

Tensors = dict[str, Tensor]
Read = Callable[..., Checkpoint]
FAMILIES = {family.name: family for family in (FSRCNN, CARN, COMPACT, SRRESNET, RCAN)}
WIDTHS = (4, 6, 9)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "official.pth"


@pytest.fixture
def read(path: Path, catalogue: Catalogue) -> Read:
    """Writes tensors to a file and reads that."""

    def write_and_read(tensors: object, **choices: Any) -> Checkpoint:
        torch.save(tensors, path)
        return read_checkpoint(path, catalogue, **choices)

    return write_and_read


def fsrcnn(width: int) -> Tensors:
    return published.authors_names(FSRCNN, published.make(FSRCNN, width=width))


@pytest.fixture(scope="module")
def tensors() -> Tensors:
    return published.routed(*map(fsrcnn, WIDTHS))


def assert_same(network: torch.nn.Module, other: torch.nn.Module, channels: int = 3) -> None:
    image = torch.rand(1, channels, 7, 6, generator=torch.Generator().manual_seed(0))
    mine, theirs = network.state_dict(), other.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    with torch.inference_mode():  # one is channels_last
        torch.testing.assert_close(network.eval()(image), other.eval()(image), rtol=1e-5, atol=1e-5)


CASES = [
    ("fsrcnn", {"width": 7}, 2),
    ("fsrcnn", {"width": 5}, 4),
    ("carn", {"width": 12}, 2),
    ("carn", {"width": 16}, 3),
    ("carn", {"width": 20}, 4),
    ("compact", {"width": 6, "depth": 0}, 1),
    ("compact", {"width": 7, "depth": 11}, 3),
    ("srresnet", {"width": 6, "blocks": 1}, 2),
    ("srresnet", {"width": 9, "blocks": 3}, 3),
    ("srresnet", {"width": 8, "blocks": 11}, 4),
    ("rcan", {"width": 16, "groups": 1, "blocks": 1}, 2),
    ("rcan", {"width": 19, "groups": 2, "blocks": 3}, 3),
    ("rcan", {"width": 33, "groups": 3, "blocks": 1}, 4),
]


@pytest.mark.parametrize("channels", [3, 1])
@pytest.mark.parametrize(("name", "shape", "scale"), CASES)
def test_each_family_is_recognised(name: str, shape: dict[str, int], scale: int, channels: int, read: Read) -> None:
    family = FAMILIES[name]
    extra = {"value_range": 255} if family is RCAN else {}
    network = published.make(family, scale=scale, channels=channels, **shape, **extra)
    asked = scale if family is FSRCNN else None

    found = read(published.authors_names(family, network), scale=asked)

    ((plan, branch),) = found.branches
    assert (found.family, found.scale, found.channels) == (family, scale, channels)
    assert found.scale_told == (family is not FSRCNN)
    assert found.class_module is None
    options = {key: value for key, value in shape.items() if key != "width"}
    assert (plan.width, plan.options) == (shape["width"], family.options.model_validate({**options, **extra}))
    assert_same(branch, network, channels)


@pytest.mark.parametrize(("name", "shape", "scale"), [case for case in CASES if case[0] in published.BASICSR])
def test_later_names_of_basicsr(name: str, shape: dict[str, int], scale: int, read: Read) -> None:
    family = FAMILIES[name]
    extra = {"value_range": 255} if family is RCAN else {}
    network = published.make(family, scale=scale, **shape, **extra)
    tensors = published.basicsr_names(family, network)
    assert "conv_first.weight" in tensors
    assert not any("mean" in layer or "trunk" in layer for layer in tensors)

    found = read({"params": tensors})

    assert (found.family, found.scale) == (family, scale)
    assert_same(found.branches[0][1], network)


def test_batch_statistics_of_carn_count(read: Read) -> None:
    network = published.make(CARN, width=12, scale=2, normalisation="batch")
    network.train()(torch.rand(2, 3, 9, 9, generator=torch.Generator().manual_seed(3)))

    found = read(published.authors_names(CARN, network))

    ((plan, branch),) = found.branches
    assert plan.options.model_dump()["normalisation"] == "fixed"
    assert_same(branch, network)


@pytest.mark.parametrize("widths", [(4, 6), WIDTHS, (3, 4, 5, 6, 7, 8, 9, 10, 11, 12)])
def test_any_number_of_branches(widths: tuple[int, ...], read: Read) -> None:
    found = read(published.routed(*map(fsrcnn, widths)))

    assert tuple(plan.width for plan, _ in found.branches) == widths
    for width, (_, network) in zip(widths, found.branches, strict=True):
        assert_same(network, published.make(FSRCNN, width=width))
    assert found.class_module is not None
    assert found.class_module_options is not None
    assert found.class_module_options.width == 8
    state = found.class_module.state_dict()
    expected = published.classifier(len(widths))
    assert torch.equal(state["logits.weight"], expected["lastOut.weight"])
    assert torch.equal(state["features.8.bias"], expected["CondNet.8.bias"])


def test_branches_of_different_depth(read: Read) -> None:
    networks = [published.make(SRRESNET, width=4 + blocks, blocks=blocks, scale=2) for blocks in (1, 2)]

    found = read(published.routed(*(published.authors_names(SRRESNET, network) for network in networks)))

    assert [plan.options.model_dump()["blocks"] for plan, _ in found.branches] == [1, 2]


def test_a_scale_that_nothing_tells_is_4_unless_given(read: Read, tensors: Tensors) -> None:
    assert read(tensors).scale == 4
    assert read(tensors, scale=3).scale == 3
    with pytest.raises(InputError, match=r"fsrcnn: the family serves scale 2, 3, 4, not 8"):
        read(tensors, scale=8)


def test_a_scale_that_the_tensors_contradict(read: Read) -> None:
    network = published.make(SRRESNET, width=4, blocks=1, scale=2)
    tensors = published.authors_names(SRRESNET, network)

    assert read(tensors, scale=2).scale == 2
    with pytest.raises(InputError, match=r"does not fit the closest family, srresnet: .*of scale 2, not 4"):
        read(tensors, scale=4)


def test_options_over_what_the_tensors_tell(read: Read) -> None:
    tensors = published.authors_names(RCAN, published.make(RCAN, width=16, groups=1, blocks=1, scale=2))

    assert read(tensors).branches[0][0].options.model_dump()["value_range"] == 255
    assert read(tensors, options={"value_range": 1}).branches[0][0].options.model_dump()["value_range"] == 1
    with pytest.raises(InputError, match=r"rcan: the family has no option 'value_rang' \(did you mean 'value_range'\?"):
        read(tensors, options={"value_rang": 1})
    with pytest.raises(InputError, match=r"rcan: option 'value_range': input should be 1 or 255"):
        read(tensors, options={"value_range": 7})
    with pytest.raises(InputError, match=r"rcan: 8 tensors of body\.0\.body\.1\.body\.\* missing"):
        read(tensors, options={"blocks": 2})


def test_the_family_may_be_named(read: Read, tensors: Tensors) -> None:
    assert read(tensors, family="fsrcnn").family is FSRCNN
    with pytest.raises(InputError, match=r"net1 has none of the layers of carn, but 3 tensors of head_conv\.\*"):
        read(tensors, family="carn")
    mistaken = published.authors_names(SRRESNET, published.make(SRRESNET, width=16, blocks=1))
    with pytest.raises(InputError, match=r"does not fit rcan: 4 tensors of recon_trunk\.0\.\* unknown"):
        read(mistaken, family="rcan")
    with pytest.raises(
        InputError, match=r"no official checkpoints of dncnn \(there are of carn, compact, fsrcnn, rcan, srres"
    ):
        read(tensors, family="dncnn")
    with pytest.raises(UnknownNameError, match="fsrcn"):
        read(tensors, family="fsrcn")


def test_what_two_families_fit_alike(path: Path, tensors: Tensors, catalogue: Catalogue) -> None:
    provider = Provider(distribution="twin", version="1")
    twin = Offered(replace(FSRCNN, name="twin"), provider)
    both = replace(catalogue, offered=(*catalogue.offered, twin))
    torch.save(tensors, path)

    with pytest.raises(InputError, match=r"fits fsrcnn and twin alike \(name the family\)"):
        read_checkpoint(path, both)
    assert read_checkpoint(path, both, family="twin").family is twin.offer


def test_no_family_knows_checkpoints(path: Path, tensors: Tensors) -> None:
    torch.save(tensors, path)
    with pytest.raises(InputError, match="there are no official checkpoints of any family"):
        read_checkpoint(path, Catalogue())


def test_branches_of_two_families(read: Read) -> None:
    other = published.authors_names(SRRESNET, published.make(SRRESNET, width=4, blocks=1))
    with pytest.raises(InputError, match=r"net1 is of fsrcnn, net2 is of srresnet \(all branches have to be of one"):
        read(published.routed(fsrcnn(4), other))


def test_branches_of_two_scales(read: Read) -> None:
    branches = [
        published.authors_names(SRRESNET, published.make(SRRESNET, width=4, blocks=1, scale=scale)) for scale in (2, 4)
    ]
    with pytest.raises(InputError, match="net1 has scale 2, net2 has 4"):
        read(published.routed(*branches))


def test_layers_of_no_family(read: Read, path: Path) -> None:
    foreign = {f"encoder.{number}.weight": torch.zeros(3) for number in range(5)} | {"gain": torch.ones(1)}
    with pytest.raises(InputError) as caught:
        read(foreign)
    assert str(caught.value) == (
        f"{path}: it has none of the layers of carn, compact, fsrcnn, rcan, srresnet, but 5 tensors of encoder.*; gain"
    )


def test_too_little_to_tell_the_width(read: Read) -> None:
    tensors = published.without(fsrcnn(4), lambda name: not name.startswith("body_conv.1"))
    with pytest.raises(InputError, match=r"the closest family, fsrcnn: nothing tells its width"):
        read(tensors)


def test_a_short_difference_by_prefix(read: Read) -> None:
    tensors = published.authors_names(CARN, published.make(CARN, width=16))
    tensors |= {f"body.{number}.weight": torch.zeros(1) for number in range(14)}
    tensors["exit.weight"] = torch.zeros(3, 16, 5, 5)
    del tensors["entry.bias"]

    with pytest.raises(InputError) as caught:
        read(tensors)

    assert caught.value.what == (
        "does not fit the closest family, carn: 14 tensors of body.* unknown; entry.bias missing; "
        "exit.weight is (3, 16, 5, 5), expected (3, 16, 3, 3)"
    )


def test_the_branch_that_does_not_fit_is_named(read: Read, tensors: Tensors) -> None:
    with pytest.raises(InputError, match=r"net2 does not fit the closest family, fsrcnn: body_conv\.9\.weight unknown"):
        read({**tensors, "net2.body_conv.9.weight": torch.zeros(1)})
    with pytest.raises(InputError, match=r"net3 .*: tail_conv\.weight is \(9, 3, 7, 7\), expected \(9, 3, 9, 9\)"):
        read({**tensors, "net3.tail_conv.weight": torch.zeros(9, 3, 7, 7)})


def test_two_tensors_for_one_layer(read: Read) -> None:
    tensors = published.authors_names(SRRESNET, published.make(SRRESNET, width=4, blocks=1))
    with pytest.raises(InputError, match=r"srresnet: conv_hr\.bias unknown"):
        read({**tensors, "conv_hr.bias": torch.zeros(4)})


def test_a_number_in_a_name_makes_no_giant(read: Read) -> None:
    tensors = published.authors_names(SRRESNET, published.make(SRRESNET, width=4, blocks=1))
    with pytest.raises(InputError, match=r"srresnet: recon_trunk\.400000000\.conv1\.weight unknown"):
        read({**tensors, "recon_trunk.400000000.conv1.weight": torch.zeros(4, 4, 3, 3)})


@pytest.mark.parametrize("shape", [(), (0, 3, 5, 5), (4,), (1, 2, 3, 4, 5)])
def test_a_first_layer_of_any_shape(shape: tuple[int, ...], read: Read) -> None:
    for family in FAMILIES.values():
        smallest = {"rcan": {"width": 16, "groups": 1, "blocks": 1}, "carn": {"width": 12}}
        options = smallest.get(family.name, {"width": 4})
        tensors = published.authors_names(family, published.make(family, **options))
        first = next(name for name in tensors if name.startswith(("head", "conv_first", "entry", "body.0.weight")))
        with pytest.raises(InputError, match=family.name):
            read({**tensors, first: torch.zeros(shape)})


@pytest.mark.parametrize(
    "name", ["CondNet.0.weight", "CondNet.8.bias", "lastOut.weight"], ids=lambda name: name.replace(".", "-")
)
def test_an_incomplete_classifier(read: Read, tensors: Tensors, name: str) -> None:
    with pytest.raises(InputError, match=rf"classifier does not fit: {name} .*missing|{name} missing"):
        read(published.without(tensors, f"classifier.{name}".__eq__))


@pytest.mark.parametrize("shape", [(), (0, 3, 4, 4), (8,), (8, 3, 5, 5)])
def test_a_classifier_of_another_shape(read: Read, tensors: Tensors, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"classifier does not fit: CondNet\.0\.weight"):
        read({**tensors, "classifier.CondNet.0.weight": torch.zeros(shape)})


def test_a_classifier_for_another_number_of_branches(read: Read) -> None:
    with pytest.raises(InputError, match=r"classifier does not fit: lastOut.weight is \(3, 32\), expected \(2, 32\)"):
        read(published.routed(fsrcnn(4), fsrcnn(5), module=published.classifier(3)))


def test_a_width_that_the_family_can_not_have(read: Read) -> None:
    tensors = published.authors_names(CARN, published.make(CARN, width=12))
    with pytest.raises(InputError, match=r"carn: CARN needs a width that is a multiple of 4"):
        read({**tensors, "entry.weight": torch.zeros(13, 3, 3, 3)})


def test_the_global_random_state_stays(read: Read, tensors: Tensors) -> None:
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    read(tensors)
    assert torch.equal(torch.rand(3), expected)


def test_a_scale_is_assumed_only_where_nothing_tells_it(read: Read, tensors: Tensors) -> None:
    told = published.make(SRRESNET, width=4, blocks=1, scale=2)

    assert read(tensors, untold_scale=3).scale == 3
    assert read(published.authors_names(SRRESNET, told), untold_scale=3).scale == 2
