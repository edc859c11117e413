"""Tables hold the figures."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console, RenderableType

from restoreroute.reporting.tables import (
    HEADINGS,
    classes_markdown,
    classes_table,
    cost_note,
    cost_table,
    operations,
    preference_facts,
    result_markdown,
    result_rows,
    result_table,
    schedule_table,
)
from restoreroute.routing.cost import Cost
from restoreroute.spec.plan import BranchPlan
from restoreroute.spec.results import ClassesResult, Preference, SetResult
from restoreroute.spec.stages import JointStage, Stages
from restoreroute_backbones.fsrcnn import FSRCNN, FsrcnnOptions


def rendered(table: RenderableType, width: int = 200) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width).print(table)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (7_602_000, "7.60M"), (49_840_128, "49.84M"), (1e9, "1.00G"), (32_600_000_000, "32.60G")],
)
def test_operations(count: float, text: str) -> None:
    assert operations(count) == text


def test_rows_hold_the_figures(result: SetResult) -> None:
    interpolation, routed = result_rows(result)
    assert routed == ("routed", "29.13", "30.50", "0.8765", "61/23/16", "35.83M", "50.12M", "1.30G", "12.35")
    assert interpolation == ("interpolation", "inf", "-", "-", "-", "0", "0", "0", "0.25")
    assert len(routed) == len(HEADINGS)


def test_the_terminal_table(result: SetResult) -> None:
    text = rendered(result_table(result))
    for cell in (*" ".join(HEADINGS).split(), *result_rows(result)[1]):
        assert cell in text
    assert "Set5, protocol 'whole': 2 images, 1234 patches, mean largest probability 0.750" in text
    assert "Costs are operations per 32 x 32 patch, 2 per" in text


@pytest.mark.parametrize("name", ["routed", "branch rcan-36 groups=2 blocks=4"])
def test_the_terminal_table_fits_80_columns(result: SetResult, name: str) -> None:
    stream = io.StringIO()
    rows = (result.rows[0], replace(result.rows[1], name=name))
    Console(file=stream, width=80).print(result_table(replace(result, rows=rows)))
    assert "\u2026" not in stream.getvalue()
    assert "61/23/16" in stream.getvalue()


def test_the_document_table(result: SetResult) -> None:
    lines = result_markdown(result).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert rows[0] == "| " + " | ".join(HEADINGS) + " |"
    assert {row.count("|") for row in rows} == {len(HEADINGS) + 1}
    assert len(rows) == 2 + len(result.rows)
    assert "| routed | 29.13 | 30.50 | 0.8765 |" in rows[3]
    assert cost_note(32) in lines


def test_costs_before_training() -> None:
    branches = [BranchPlan(family=FSRCNN, options=FsrcnnOptions(), width=width) for width in (16, 56)]
    costs = [
        Cost(executed=21_823_488, paper=141_260_000, parameters=10_755),
        Cost(executed=49_840_128, paper=467_880_000, parameters=24_515),
    ]
    module = Cost(executed=7_602_000, paper=7_602_000, parameters=60_035)
    text = rendered(cost_table(branches, costs, module, patch=32, stride=28))
    for cell in ("fsrcnn-16", "21.82M", "44 %", "141.26M", "30 %", "10 755", "Class-Module", "15 %", "60 035"):
        assert cell in text
    (overlap,) = [line.split() for line in text.splitlines() if "overlap at step 28" in line]
    assert overlap.count("1.306") == 2, "in both conventions"
    (alone,) = [line.split() for line in text.splitlines() if "Class-Module" in line and "7.60M" in line]
    assert alone.count("7.60M") == 2


def test_costs_without_overlap() -> None:
    branches = [BranchPlan(family=FSRCNN, options=FsrcnnOptions(), width=16)]
    cost = Cost(executed=1_000_000, paper=1_000_000, parameters=1)
    assert "x 1.000" in rendered(cost_table(branches, [cost], cost, patch=32, stride=32))


def test_difficulty_classes_in_a_terminal(classes: ClassesResult) -> None:
    lines = rendered(classes_table(classes), width=80).splitlines()
    rows = [[cell for cell in line.split("  ") if cell.strip()] for line in lines]
    assert "test, protocol 'classes': 1834 sub-images of 32 x 32 degraded pixels" in lines
    for cells in (
        ["class 0", "class 1", "class 2"],
        ["score up to", "-35.15", "inf", "-"],
        ["sub-images", "600", "1234", "0"],
        ["branch fsrcnn-16", "42.71", "29.60", "-"],
    ):
        assert cells in [[cell.strip() for cell in row] for row in rows], cells
    assert "scores by 'network'" in " ".join(lines)


def test_difficulty_classes_in_a_document(classes: ClassesResult) -> None:
    lines = classes_markdown(classes).splitlines()
    assert [line for line in lines if line.startswith("|")] == [
        "|  | class 0 | class 1 | class 2 |",
        "| --- | ---: | ---: | ---: |",
        "| score up to | -35.15 | inf | - |",
        "| sub-images | 600 | 1234 | 0 |",
        "| interpolation | 40.13 | 28.00 | - |",
        "| branch fsrcnn-16 | 42.71 | 29.60 | - |",
    ]


def test_the_schedule() -> None:
    text = rendered(
        schedule_table(Stages(joint=JointStage(iterations=77, lr=3e-4, lr_final=1e-6)), tuple(Stages.model_fields))
    )
    for cell in ("baseline", "1000000", "pretrain", "class_module", "joint", "77", "0.0003 to 1e-06"):
        assert cell in text


def test_a_preference_in_a_line(preference: Preference) -> None:
    assert (
        preference_facts(preference) == "speed -1.3: 28.71 dB, 0.02 below the full network, at 61 % of its operations"
    )
    better = replace(preference, curve=replace(preference.curve, full=28.6))
    assert preference_facts(better) == "speed -1.3: 28.71 dB, 0.11 above the full network, at 61 % of its operations"


def test_the_schedule_of_a_single_network() -> None:
    text = rendered(schedule_table(Stages(), ("baseline",)))
    assert "baseline" in text
    assert not any(name in text for name in ("pretrain", "class_module", "joint"))
