"""Tables of results and of planned costs."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from restoreroute.routing.cost import Cost
from restoreroute.spec.plan import BranchPlan
from restoreroute.spec.results import SetResult
from restoreroute.spec.stages import Stages

HEADINGS = ("", "PSNR RGB", "PSNR Y", "SSIM", "shares %", "executed", "charged", "paper", "time s")
COST_NOTE = (
    "Costs are operations per patch, 2 per multiply-accumulate. executed: what the branches do. charged: the same per "
    "patch area of the image, with the overlap of patches and the Class-Module. paper: branches only, in the "
    "published convention."
)


def operations(count: float) -> str:
    """Operations with a unit: ``49.84M``, ``32.60G``."""
    value, unit = (count / 1e9, "G") if count >= 1e9 else (count / 1e6, "M")
    return f"{value:.2f}{unit}" if value else "0"


def _figure(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def result_rows(result: SetResult) -> list[tuple[str, ...]]:
    """The cells of a result table, without headings."""
    return [
        (
            row.name,
            _figure(row.quality.psnr_rgb, 2),
            _figure(row.quality.psnr_y, 2),
            _figure(row.quality.ssim, 4),
            "/".join(f"{100 * share:.0f}" for share in row.shares) or "-",
            operations(row.executed),
            operations(row.charged),
            operations(row.paper),
            _figure(row.seconds, 2),
        )
        for row in result.rows
    ]


def result_title(result: SetResult) -> str:
    """What a result table is about."""
    confidence = "" if result.confidence is None else f", mean largest probability {result.confidence:.3f}"
    return (
        f"{result.set_name}, protocol '{result.protocol}': {len(result.images)} images, "
        f"{result.patches} patches{confidence}"
    )


def result_table(result: SetResult) -> Group:
    """Title, table and note for a terminal of 80 columns or more."""
    table = Table(box=SIMPLE_HEAD, padding=0, show_edge=False)
    table.add_column(HEADINGS[0], no_wrap=True)
    for heading in HEADINGS[1:]:
        table.add_column(heading.replace(" ", "\n"), justify="right", no_wrap=True)
    for cells in result_rows(result):
        table.add_row(*cells)
    return Group("", Text(result_title(result), style="bold"), table, Text(COST_NOTE, style="dim"))


def result_markdown(result: SetResult) -> str:
    """A result table for documents."""
    lines = [f"**{result_title(result)}**", "", "| " + " | ".join(HEADINGS) + " |"]
    lines.append("|" + " --- |" + " ---: |" * (len(HEADINGS) - 1))
    lines += ["| " + " | ".join(cells) + " |" for cells in result_rows(result)]
    return "\n".join([*lines, "", COST_NOTE, ""])


def cost_table(
    branches: Sequence[BranchPlan], costs: Sequence[Cost], class_module: Cost, *, patch: int, stride: int
) -> Table:
    """What each part of a routed model costs per patch, before anything is trained."""
    overlap = (patch / stride) ** 2
    table = Table(
        title=f"Cost per {patch} x {patch} patch (operations, 2 per multiply-accumulate)",
        caption=f"Patches at step {stride} process {overlap:.3f} times the pixels of the image; that is not in here.",
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("", no_wrap=True)
    for heading in ("parameters", "executed", "of full", "paper", "of full"):
        table.add_column(heading, justify="right")
    full = costs[-1]
    named = [*((branch.name, cost) for branch, cost in zip(branches, costs, strict=True))]
    for name, cost in [*named, ("Class-Module", class_module)]:
        table.add_row(
            name,
            f"{cost.parameters:,}".replace(",", " "),
            operations(cost.executed),
            _share(cost.executed, full.executed),
            operations(cost.paper),
            _share(cost.paper, full.paper),
        )
    return table


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"


def schedule_table(stages: Stages) -> Table:
    """What each training stage will do."""
    table = Table(title="Training stages", title_justify="left")
    table.add_column("stage", no_wrap=True)
    for heading in ("iterations", "batch", "learning rate"):
        table.add_column(heading, justify="right")
    for name in type(stages).model_fields:
        stage = getattr(stages, name)
        table.add_row(name, str(stage.iterations), str(stage.batch), f"{stage.lr:g} to {stage.lr_final:g}")
    return table
