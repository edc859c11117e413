"""What is said about recipes, and where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from restoreroute.errors import RecipeError
from restoreroute.plugin.catalogue import Catalogue
from restoreroute.recipe.document import document_from, parse_document
from restoreroute.recipe.resolve import resolve


def test_a_sound_recipe(problems: Any, sound: str) -> None:
    assert problems(sound) == []


def test_what_is_missing(problems: Any) -> None:
    assert problems("# nothing yet\nname: x\n") == [
        "r.yml:2:1: task: missing: how clean images become degraded ones: a task's name, with its options",
        "r.yml:2:1: backbone: missing: the branches' network design: a family's name, with its options",
        "r.yml:2:1: data: missing: which images, and how sub-images are cut from them",
    ]


def test_validation_and_test_images_are_not_those_of_training(problems: Any) -> None:
    found = problems("task: {name: zoom, scale: 4}\nbackbone: tiny\ndata:\n  train: photos\n")
    assert found == [
        "r.yml:3:1: data.validation: missing: images to watch training on: a data source, or the path of a "
        "folder; none of train's",
        "r.yml:3:1: data.test: missing: images to measure on: a data source, or the path of a folder; none of train's",
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("lossses: {}", "7:1: lossses: unknown key; did you mean 'losses'?"),
        (
            "name: a/b",
            "7:7: name: must be letters, digits, '.', '_' and '-', the first no '.' or '-', not 'a/b'",
        ),
        (
            "name: ..",
            "7:7: name: must be letters, digits, '.', '_' and '-', the first no '.' or '-', not '..'",
        ),
        ("name: 5", "7:7: name: must be text, not 5"),
        ("name:", "7:6: name: must be text, not nothing"),
        ("seed: -1", "7:7: seed: must be at least 0, not -1"),
        ("seed: 1.5", "7:7: seed: must be a whole number, not 1.5"),
        ("seed: '3'", "7:7: seed: must be a whole number, not text '3'"),
        ("seed: yes", "7:7: seed: must be a whole number, not text 'yes'"),
        ("seed: true", "7:7: seed: must be a whole number, not true"),
        ("seed: [1]", "7:7: seed: must be a whole number, not a list"),
        ("seed: {a: 1}", "7:7: seed: must be a whole number, not a mapping"),
        ("class_module: {width: 0}", "7:23: class_module.width: must be at least 1, not 0"),
        ("class_module: 32", "7:15: class_module: must be a mapping of keys to values, not 32"),
        ("class_module:", "7:14: class_module: must be a mapping of keys to values, not nothing"),
        ("losses: {class: x}", "7:17: losses.class: must be a number, not text 'x'"),
        ("losses: {class_: 1}", "7:10: losses.class_: unknown key; did you mean 'class'?"),
        ("losses: {image: -1}", "7:17: losses.image: must be at least 0, not -1"),
        ("losses: {image: .inf}", "7:17: losses.image: must be a finite number, not inf"),
        ("losses: {image: 1e999}", "7:17: losses.image: must be a finite number, not inf"),
        (
            "losses: {target_shares: [0.5, 0.5]}",
            "7:25: losses.target_shares: must have one share for each of the 3 branches, not 2",
        ),
        (
            "losses: {target_shares: [0.3, 0.3, 0.3]}",
            "7:25: losses.target_shares: must have the sum 1, not 0.9",
        ),
        (
            "losses: {target_shares: [0.5, 0.5, 1]}",
            "7:36: losses.target_shares.2: must be less than 1, not 1",
        ),
        ("losses: {target_shares: 1}", "7:25: losses.target_shares: must be a list, not 1"),
        ("stages: {join: {}}", "7:10: stages.join: unknown key; did you mean 'joint'?"),
        ("stages: {joint: {lr: 1e-4x}}", "7:22: stages.joint.lr: must be a number, not text '1e-4x'"),
        ("stages: {joint: {lr: 0}}", "7:22: stages.joint.lr: must be greater than 0, not 0"),
        ("stages: {joint: {beta1: 1}}", "7:25: stages.joint.beta1: must be less than 1, not 1"),
        (
            "stages: {joint: {iteration: 5}}",
            "7:18: stages.joint.iteration: unknown key; did you mean 'iterations'?",
        ),
        (
            "stages: {pretrain: {own_class: no}}",
            "7:32: stages.pretrain.own_class: must be true or false, not text 'no'",
        ),
        (
            "stages: {baseline: {iterations: 0}, pretrain: {start: baseline}}",
            "7:55: stages.pretrain.start: there is no baseline to start from: stages.baseline.iterations is 0",
        ),
        ("evaluation: {protocols: []}", "7:25: evaluation.protocols: must hold at least one protocol"),
        (
            "stages: {joint: {iterations: 5, warmup: 5}}",
            "7:41: stages.joint.warmup: must be less than the stage's 5 iterations, not 5",
        ),
        ("routing: {stride: 33}", "7:19: routing.stride: must be at most the patch's side, 32, not 33"),
        ("routing: {patch: big}", "7:18: routing.patch: must be a whole number, not text 'big'"),
        ("routing: {patch: 16}", "7:1: routing.stride: must be at most the patch's side, 16, not 28"),
        ("routing: {loss_db: -1}", "7:20: routing.loss_db: must be at least 0, not -1"),
        ("evaluation: {patch: 64}", "7:14: evaluation.patch: is now routing.patch"),
        ("evaluation: {crop: 64, stride: x}", "7:24: evaluation.stride: is now routing.stride"),
        ("evaluation: {speed: -8}", "7:14: evaluation.speed: is now routing.speed"),
        (
            "evaluation: {protocols: [clasr]}",
            "7:26: evaluation.protocols.0: must be 'classsr' or 'whole' or 'classes', not text 'clasr'; "
            "did you mean 'classsr'?",
        ),
        (
            "evaluation: {protocols: [class]}",
            "7:26: evaluation.protocols.0: must be 'classsr' or 'whole' or 'classes', not text 'class'; "
            "did you mean 'classsr'?",
        ),
        (
            "evaluation: {protocols: [whole, whole]}",
            "7:25: evaluation.protocols: must not hold a protocol twice",
        ),
        (
            "difficulty: netwrk",
            "7:13: difficulty.name: unknown difficulty estimator 'netwrk' (did you mean 'network'?)",
        ),
        ("difficulty: {name: network, modl: x}", "7:29: difficulty.modl: unknown key; did you mean 'model'?"),
        ("difficulty: {model: x}", "7:14: difficulty.model: unknown key; known: name, quantiles, thresholds"),
        (
            "difficulty: {quantile: [0.5, 0.8]}",
            "7:14: difficulty.quantile: unknown key; did you mean 'quantiles'?",
        ),
        (
            "difficulty: {quantiles: [0.5]}",
            "7:25: difficulty.quantiles: must have one number between each two of the 3 branches, so 2, not 1",
        ),
        (
            "difficulty: {thresholds: []}",
            "7:26: difficulty.thresholds: must have one number between each two of the 3 branches, so 2, not 0",
        ),
        ("difficulty: {quantiles: [0.8, 0.5]}", "7:25: difficulty.quantiles: must rise, not go from 0.8 to 0.5"),
        ("difficulty: {quantiles: [0.5, 0.5]}", "7:25: difficulty.quantiles: must rise, not go from 0.5 to 0.5"),
        (
            "difficulty: {thresholds: [35.15, 27.17]}",
            "7:26: difficulty.thresholds: must rise, not go from 35.15 to 27.17",
        ),
        ("difficulty: {quantiles: [0.5, 1]}", "7:31: difficulty.quantiles.1: must be less than 1, not 1"),
        ("difficulty: {quantiles: [0, 0.5]}", "7:26: difficulty.quantiles.0: must be greater than 0, not 0"),
        ("difficulty: {quantiles: 0.5}", "7:25: difficulty.quantiles: must be a list, not 0.5"),
        ("difficulty: {thresholds: [-35, x]}", "7:32: difficulty.thresholds.1: must be a number, not text 'x'"),
        (
            "difficulty: {quantiles: [0.5, 0.8], thresholds: [-35.15, -27.17]}",
            "7:37: difficulty.thresholds: can't stand beside difficulty.quantiles: leave one of the two out",
        ),
        ("difficulty: 5", "7:13: difficulty.name: must be text, not 5"),
        ("difficulty: [x]", "7:13: difficulty: must be a mapping of keys to values, not a list"),
        ("branches: 0", "7:11: branches: must be at least 2, not 0"),
        (
            "branches: []",
            "7:11: branches: must hold at least one branch: two or more for a routed model, one for a single network",
        ),
        ("branches: 1", "7:11: branches: must be at least 2, not 1"),
        ("branches: 6", "7:11: branches: tiny has at most 5 widths, not 6"),
        ("branches: 1000000000", "7:11: branches: must be at most 64, not 1000000000"),
        ("branches: many", "7:11: branches: must be a list, not text 'many'"),
        ("branches: true", "7:11: branches: must be a whole number, not true"),
        ("branches: [4, 0]", "7:15: branches.1.width: must be at least 1, not 0"),
        ("branches: [4, x]", "7:15: branches.1.family: unknown backbone family 'x' (known: even, none, tiny)"),
        ("branches: [4, 8.0]", "7:15: branches.1.width: must be a whole number, not 8.0"),
        ("branches: [4, [8]]", "7:15: branches.1: must be a mapping of keys to values, not a list"),
        ("branches: [4, {blocks: 3}]", "7:15: branches.1.width: missing: published widths of 'tiny' are 4, 8, 16"),
        ("branches: [4, 8, 4]", "7:18: branches.2: is the same as branches.0"),
        ("branches: [4, {width: 4, blocks: 2}]", "7:15: branches.1: is the same as branches.0"),
        (
            "branches: [4, {width: 4, block: 2}]",
            "7:26: branches.1.block: unknown key; did you mean 'blocks'?",
        ),
        ("branches: [4, {width: 4, blocks: 0}]", "7:34: branches.1.blocks: must be at least 1, not 0"),
        (
            "branches: [4, {width: 4, mode: residul}]",
            "7:32: branches.1.mode: must be 'plain' or 'residual', not text 'residul'; did you mean 'residual'?",
        ),
        (
            "branches: [4, {width: 4, kernel: {radus: 2}}]",
            "7:35: branches.1.kernel.radus: unknown key; did you mean 'radius'?",
        ),
    ],
)
def test_one_line_too_many(problems: Any, sound: str, line: str, message: str) -> None:
    assert problems(f"{sound}{line}\n") == [f"r.yml:{message}"]


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("zom", "1:7: task.name: unknown task 'zom' (did you mean 'zoom'?)"),
        ("denoise", "1:7: task.name: unknown task 'denoise' (known: given, zoom)"),
        ("5", "1:7: task.name: must be text, not 5"),
        ("''", "1:7: task.name: must have 1 or more characters"),
        ("{scale: 4}", "1:1: task.name: missing: name of the offering; 'restoreroute plugins' lists them"),
        ("{name: zoom, scal: 4}", "1:20: task.scal: unknown key; did you mean 'scale'?"),
        ("{name: zoom, scale: four}", "1:27: task.scale: must be a whole number, not text 'four'"),
        ("{name: zoom, scale: 7}", "1:7: task: scale 7 brings bad luck"),
        (
            "{name: zoom, scale: 8}",
            "2:11: backbone.name: backbone family 'tiny' serves scale 2, 4, 7, not the task's 8; "
            "families that do: even",
        ),
        (
            "{name: zoom, scale: 3}",
            "2:11: backbone.name: backbone family 'tiny' serves scale 2, 4, 7, not the task's 3; "
            "no installed family does",
        ),
    ],
)
def test_tasks(problems: Any, sound: str, task: str, message: str) -> None:
    assert problems(sound.replace("{name: zoom, scale: 4}", task)) == [f"r.yml:{message}"]


@pytest.mark.parametrize(
    ("backbone", "message"),
    [
        ("tin", "2:11: backbone.name: unknown backbone family 'tin' (did you mean 'tiny'?)"),
        ("{name: tiny, block: 1}", "2:24: backbone.block: unknown key; did you mean 'blocks'?"),
        ("{name: tiny, blocks: 0}", "2:32: backbone.blocks: must be at least 1, not 0"),
        ("{name: tiny, kernel: {radius: 0}}", "2:41: backbone.kernel.radius: must be greater than 0, not 0"),
    ],
)
def test_backbones(problems: Any, sound: str, backbone: str, message: str) -> None:
    assert problems(sound.replace("backbone: tiny", f"backbone: {backbone}")) == [f"r.yml:{message}"]
    # a branch with options of its own does not say the same again
    with_branches = (
        sound.replace("backbone: tiny", f"backbone: {backbone}") + "branches: [4, {width: 8, mode: plain}]\n"
    )
    assert problems(with_branches) == [f"r.yml:{message}"]


def test_sizes_have_to_be_multiples(problems: Any, sound: str) -> None:
    text = sound.replace("tiny", "even") + "  sub_image: 20\nrouting: {patch: 36}\n"
    assert problems(text) == [
        "r.yml:7:14: data.sub_image: must be a multiple of 8 for backbone family 'even', not 20",
        "r.yml:8:18: routing.patch: must be a multiple of 8 for backbone family 'even', not 36",
    ]


@pytest.mark.parametrize("stage", ["baseline", "pretrain"])
def test_sizes_of_stages_and_phases_have_to_be_multiples_too(problems: Any, sound: str, stage: str) -> None:
    phases = "[{iterations: 1}, {iterations: 1, sub_image: 24}, {iterations: 1, sub_image: 12}]"
    text = sound.replace("tiny", "even") + f"stages:\n  {stage}:\n    sub_image: 20\n    phases: {phases}\n"
    assert problems(text) == [
        f"r.yml:9:16: stages.{stage}.sub_image: must be a multiple of 8 for backbone family 'even', not 20",
        f"r.yml:10:90: stages.{stage}.phases.2.sub_image: must be a multiple of 8 for backbone family 'even', not 12",
    ]


PHASES = "phases: [{iterations: 3}]"


@pytest.mark.parametrize(
    ("stage", "fine"),
    [
        (f"{{iterations: 0, {PHASES}}}", False),
        (f"{{per_branch: [0, 0, 0], {PHASES}}}", False),
        (f"{{iterations: 0, per_branch: [0, 5, 0], {PHASES}}}", True),
        (f"{{iterations: 5, {PHASES}}}", True),
    ],
)
def test_phases_follow_iterations_of_some_branch(problems: Any, sound: str, stage: str, fine: bool) -> None:
    text = f"{sound}stages: {{pretrain: {stage}}}\n"
    where = f"r.yml:7:{20 + stage.index('[{')}: stages.pretrain.phases"
    assert problems(text) == ([] if fine else [f"{where}: can't follow a stage of 0 iterations"])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("sub_image: 7", "7:14: data.sub_image: must be at least 8, not 7"),
        ("step: 0", "7:9: data.step: must be at least 1, not 0"),
        ("clean_scales: []", "7:17: data.clean_scales: must have 1 or more items, not 0"),
        ("clean_scales: [1, 1.5]", "7:21: data.clean_scales.1: must be at most 1, not 1.5"),
        ("clean_scales: [0]", "7:18: data.clean_scales.0: must be greater than 0, not 0"),
        ("clean_scales: 1.0", "7:17: data.clean_scales: must be a list, not 1.0"),
        ("augment: on", "7:12: data.augment: must be true or false, not text 'on'"),
        ("valid: x", "7:3: data.valid: unknown key; did you mean 'validation'?"),
    ],
)
def test_data(problems: Any, sound: str, line: str, message: str) -> None:
    assert problems(f"{sound}  {line}\n") == [f"r.yml:{message}"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{source: photo}", "4:19: data.train.source: unknown data source 'photo' (did you mean 'photos'?)"),
        (
            "{source: photos, split: tran}",
            "4:34: data.train.split: must be 'train' or 'test', not text 'tran'; did you mean 'train'?",
        ),
        ("{source: folder}", "4:3: data.train.path: missing: folder with images"),
        ("{path: x}", "4:3: data.train.source: missing: name of the data source"),
        (
            "fotos",
            "4:10: data.train: there is neither a data source nor a folder 'fotos'; did you mean 'photos'?",
        ),
        ("7", "4:10: data.train.source: must be text, not 7"),
    ],
)
def test_sources(problems: Any, sound: str, source: str, message: str) -> None:
    assert problems(sound.replace("train: photos", f"train: {source}")) == [f"r.yml:{message}"]


def test_a_folder_may_have_nearly_the_name_of_a_source(problems: Any, sound: str) -> None:
    Path("fotos").mkdir()
    assert problems(sound.replace("train: photos", "train: fotos")) == []
    assert problems(sound.replace("train: photos", "train: x/fotos")) == []


def test_branches_of_their_own_families_are_judged_beside_an_unknown_backbone(problems: Any, sound: str) -> None:
    text = (
        sound.replace("tiny", "tniy") + "branches: [4, {family: even, width: 8, block: 3}, {family: evn, width: 9}]\n"
    )
    assert problems(text) == [
        "r.yml:2:11: backbone.name: unknown backbone family 'tniy' (did you mean 'tiny'?)",
        "r.yml:7:40: branches.1.block: unknown key; did you mean 'blocks'?",
        "r.yml:7:60: branches.2.family: unknown backbone family 'evn' (did you mean 'even'?)",
    ]


def test_everything_at_once_in_the_order_of_lines(problems: Any) -> None:
    text = """\
name: ../x
seed: 1
seed: 2
task: {name: zoom, scale: 8}
backbone: {name: tiny, blcks: 1}
branches: [4, {width: 0}, {width: 4, mode: x}]
data:
  train: {source: nope}
  validation: {source: photos, splt: test}
  test: ../x
  sub_image: "32"
losses: {class: x}
stages:
  joint: {lr: 1e-4x}
  class_module: {iterations: 5, warmup: 9}
evaluation: {protocols: [clasr], stride: 40}
routing: {stride: 40}
difficulty: hard
"""
    found = problems(text)
    assert [line.split(": ")[:2] for line in found] == [
        ["r.yml:1:7", "name"],
        ["r.yml:3:1", "seed"],
        ["r.yml:5:18", "backbone.name"],
        ["r.yml:5:24", "backbone.blcks"],
        ["r.yml:6:23", "branches.1.width"],
        ["r.yml:6:44", "branches.2.mode"],
        ["r.yml:8:19", "data.train.source"],
        ["r.yml:9:32", "data.validation.splt"],
        ["r.yml:11:14", "data.sub_image"],
        ["r.yml:12:17", "losses.class"],
        ["r.yml:14:15", "stages.joint.lr"],
        ["r.yml:15:41", "stages.class_module.warmup"],
        ["r.yml:16:26", "evaluation.protocols.0"],
        ["r.yml:16:34", "evaluation.stride"],
        ["r.yml:17:19", "routing.stride"],
        ["r.yml:18:13", "difficulty.name"],
    ]


def test_a_key_that_has_moved_is_named_where_it_was_overridden(catalogue: Catalogue, sound: str) -> None:
    with pytest.raises(RecipeError) as caught:
        resolve(parse_document(sound, "r.yml"), catalogue, ["evaluation.patch=64"])
    assert str(caught.value) == "override evaluation.patch=64: evaluation.patch: is now routing.patch"


def test_a_misspelt_key_is_not_missing_as_well(problems: Any, sound: str) -> None:
    assert problems(sound.replace("backbone:", "backbne:")) == [
        "r.yml:2:1: backbne: unknown key; did you mean 'backbone'?"
    ]


def test_nothing_more_is_said_about_a_value_that_could_not_be_read(problems: Any, sound: str) -> None:
    assert problems(sound + "seed: !dice 6\n") == ["r.yml:7:7: seed: the tag '!dice' has no meaning here"]


def test_data_from_python(catalogue: Catalogue) -> None:
    with pytest.raises(RecipeError) as caught:
        resolve(document_from({"task": "zom"}, "model.safetensors"), catalogue)
    assert str(caught.value).splitlines()[0].startswith("model.safetensors: ")
    assert "model.safetensors: task.name: unknown task 'zom' (did you mean 'zoom'?)" in str(caught.value)
