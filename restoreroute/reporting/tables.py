"""Tables of results and of planned costs."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from restoreroute.reporting.results_file import SavedResults
from restoreroute.routing.cost import Cost
from restoreroute.spec.plan import BranchPlan
from restoreroute.spec.results import ClassesResult, Preference, SetResult, SweepResult
from restoreroute.spec.stages import Stages
from restoreroute.spec.timings import Bench

BENCH_HEADINGS = ("", "seconds", "of the reference", "MP/s", "peak MiB")
BENCH_NOTE = (
    "Medians of the rounds; MP/s: restored megapixels a second; the reference is the full network's best way over the "
    "whole image."
)
SWEEP_HEADINGS = ("", "spent", "PSNR RGB", "PSNR Y", "shares %")
SWEEP_NOTE = (
    "spent: executed operations, with the Class-Module and the context of regions, as a share of the full network's "
    "over whole images."
)
COST_CAPTION = (
    "A patch costs its branch and the Class-Module; the overlap multiplies both, for it is pixels that two "
    "patches share. The published totals hold the Class-Module and not the overlap."
)
MEBIBYTE = 2**20
HEADINGS = ("", "PSNR RGB", "PSNR Y", "SSIM", "shares %", "executed", "charged", "paper", "time s")


def cost_note(patch: int) -> str:
    """What the cost columns of a result table mean."""
    return (
        f"Costs are operations per {patch} x {patch} patch, 2 per multiply-accumulate. executed: what the branches do. "
        "charged: the same per patch area of the image, with the overlap of patches and the Class-Module. paper: "
        "branches and Class-Module in the published convention."
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
    table.add_column(HEADINGS[0])  # a long name takes two lines rather than the figures' room
    for heading in HEADINGS[1:]:
        table.add_column(heading.replace(" ", "\n"), justify="right", no_wrap=True)
    for cells in result_rows(result):
        table.add_row(*cells)
    return Group("", Text(result_title(result), style="bold"), table, Text(cost_note(result.patch), style="dim"))


def result_markdown(result: SetResult) -> str:
    """A result table for documents."""
    return _markdown(result_title(result), [HEADINGS, *result_rows(result)], cost_note(result.patch))


def made_by(saved: SavedResults) -> str:
    """Run, time, machine and versions of results, in a line."""
    facts = saved.provenance
    machine, seconds = facts.get("machine", {}), facts.get("seconds", {})
    parts = [
        f"{sum(seconds.values()) / 60:.1f} min" if seconds else None,
        ", ".join(str(value) for value in machine.values()) or None,
        f"restoreroute {facts.get('restoreroute', 'unknown')}",
    ]
    return f"{saved.results.name}: " + "; ".join(part for part in parts if part)


def preference_facts(preference: Preference) -> str:
    """What was chosen and what it comes to, in a line."""
    chosen = preference.chosen
    lost = preference.curve.full - chosen.psnr
    side = f"{abs(lost):.2f} {'below' if lost >= 0 else 'above'} the full network"
    return f"speed {chosen.speed:g}: {chosen.psnr:.2f} dB, {side}, at {100 * chosen.share:.0f} % of its operations"


def bench_table(bench: Bench) -> Group:
    """Title and table of timings for a terminal."""
    return _terminal(bench_title(bench), [BENCH_HEADINGS, *bench_rows(bench)], bench_note(bench))


def bench_markdown(bench: Bench) -> str:
    """Timings for documents."""
    return _markdown(bench_title(bench), [BENCH_HEADINGS, *bench_rows(bench)], bench_note(bench))


def bench_title(bench: Bench) -> str:
    """What a table of timings is about."""
    shares = "/".join(f"{100 * share:.0f}" for share in bench.shares)
    size = f"{bench.width * bench.scale} x {bench.height * bench.scale}"
    return f"{bench.name}: {size} restored from {bench.width} x {bench.height}, shares {shares} %"


def bench_note(bench: Bench) -> str:
    """How to read a table of timings, and where the time of the seamless way goes."""
    breakdown = bench.breakdown
    total = sum(breakdown.seconds.values())
    parts = ", ".join(f"{name} {100 * seconds / total:.0f} %" for name, seconds in breakdown.seconds.items())
    return (
        f"{BENCH_NOTE} Seamless: {parts}; its branches do {breakdown.reached / 1e9:.0f} billion operations a second, "
        f"{100 * breakdown.reached / breakdown.peak:.0f} % of what a 3 x 3 convolution of 64 channels does here."
    )


def bench_rows(bench: Bench) -> list[tuple[str, ...]]:
    """The cells of a table of timings."""
    return [
        (
            way,
            f"{timing.median:.3f}",
            f"{timing.median / bench.reference:.2f}",
            f"{bench.megapixels / timing.median:.1f}",
            "-" if timing.memory is None else f"{timing.memory / MEBIBYTE:.0f}",
        )
        for way, timing in bench.timings.items()
    ]


def classes_cells(result: ClassesResult) -> list[tuple[str, ...]]:
    """The cells of a table of classes: headings, edges, sub-images, then a row for each way."""
    return [
        ("", *(f"class {number}" for number in range(len(result.counts)))),
        ("score up to", *(_figure(edge, 2) for edge in result.edges), "-"),
        ("sub-images", *map(str, result.counts)),
        *((row.name, *(_figure(value, 2) for value in row.psnr_rgb)) for row in result.rows),
    ]


def classes_title(result: ClassesResult) -> str:
    """What a table of classes is about."""
    side = result.sub_image
    return f"{result.set_name}, protocol 'classes': {sum(result.counts)} sub-images of {side} x {side} degraded pixels"


def classes_note(result: ClassesResult) -> str:
    """How to read a table of classes."""
    return (
        "PSNR RGB, mean over the sub-images of a difficulty class, each restored alone, without its border, in 8 bits. "
        f"Classes are those of the training data: scores by {result.estimator!r}, higher is harder."
    )


def classes_table(result: ClassesResult) -> Group:
    """Title, table and note for a terminal."""
    return _terminal(classes_title(result), classes_cells(result), classes_note(result))


def classes_markdown(result: ClassesResult) -> str:
    """A table of classes for documents."""
    return _markdown(classes_title(result), classes_cells(result), classes_note(result))


def sweep_rows(result: SweepResult) -> list[tuple[str, ...]]:
    """The cells of a table of budgets: the full network, what was trained for, then budget by budget."""
    full = ("full network", "1.00", _figure(result.baseline.psnr_rgb, 2), _figure(result.baseline.psnr_y, 2), "-")
    budgets = [
        (
            "as trained" if point.budget is None else f"budget {point.budget:g}",
            f"{point.spent:.2f}",
            _figure(point.quality.psnr_rgb, 2),
            _figure(point.quality.psnr_y, 2),
            "/".join(f"{100 * share:.0f}" for share in point.shares),
        )
        for point in result.points
    ]
    return [full, *budgets]


def sweep_title(result: SweepResult) -> str:
    """What a table of budgets is about."""
    return f"{result.set_name}: {result.images} images, whole, under budgets"


def sweep_table(result: SweepResult) -> Group:
    """Title, table and note for a terminal."""
    return _terminal(sweep_title(result), [SWEEP_HEADINGS, *sweep_rows(result)], SWEEP_NOTE)


def sweep_markdown(result: SweepResult) -> str:
    """A table of budgets for documents."""
    return _markdown(sweep_title(result), [SWEEP_HEADINGS, *sweep_rows(result)], SWEEP_NOTE)


def _terminal(title: str, cells: Sequence[Sequence[str]], note: str) -> Group:
    headings, *rows = cells
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column(headings[0])
    for heading in headings[1:]:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return Group("", Text(title, style="bold"), table, Text(note, style="dim"))


def _markdown(title: str, cells: Sequence[Sequence[str]], note: str) -> str:
    headings, *rows = cells
    lines = [f"**{title}**", "", "| " + " | ".join(headings) + " |"]
    lines.append("|" + " --- |" + " ---: |" * (len(headings) - 1))
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*lines, "", note, ""])


def cost_table(
    branches: Sequence[BranchPlan], costs: Sequence[Cost], class_module: Cost | None, *, patch: int, stride: int
) -> Table:
    """What each part of a model costs per patch, before anything is trained.

    Args:
        class_module: None for a single network.
    """
    table = Table(
        title=f"Cost per {patch} x {patch} patch (operations, 2 per multiply-accumulate)",
        caption=None if class_module is None else COST_CAPTION,
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("", no_wrap=True)
    for heading in ("parameters", "executed", "of full", "paper", "of full"):
        table.add_column(heading, justify="right")
    full = costs[-1]

    def add(name: str, cost: Cost) -> None:
        table.add_row(
            name,
            f"{cost.parameters:,}".replace(",", " "),
            operations(cost.executed),
            _share(cost.executed, full.executed),
            operations(cost.paper),
            _share(cost.paper, full.paper),
        )

    for branch, cost in zip(branches, costs, strict=True):
        add(branch.name, cost)
    table.add_section()
    if class_module is not None:
        add("Class-Module", class_module)
    factor = f"x {overlap_factor(patch, stride):.3f}"
    table.add_row(f"overlap at step {stride}", "-", factor, "-", factor, "-")
    return table


def overlap_factor(patch: int, stride: int) -> float:
    """How many times each pixel is processed where patches overlap, borders aside."""
    return (patch / stride) ** 2


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"


def schedule_table(stages: Stages, names: Sequence[str]) -> Table:
    """What each of the named training stages will do."""
    table = Table(title="Training stages", title_justify="left")
    table.add_column("stage", no_wrap=True)
    for heading in ("iterations", "batch", "learning rate"):
        table.add_column(heading, justify="right")
    for name in names:
        stage = getattr(stages, name)
        counts = getattr(stage, "per_branch", None) or (stage.iterations,)
        iterations = "/".join(map(str, counts))
        table.add_row(name, iterations, str(stage.batch), f"{stage.lr:g} to {stage.lr_final:g}")
    return table
