"""Writes the tables of the documents from the results of runs, so that no figure is ever typed.

    python docs/tables.py

A document says ``<!-- KIND: NAME... -->`` where a table belongs, and ``<!-- end -->`` after it; NAME is a file of
``docs/results`` without its suffix.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from restoreroute.app.results import finished_run
from restoreroute.evaluation.timing import LOOP, PLAIN, SEAMLESS
from restoreroute.evaluation.ways import BASELINE, INTERPOLATION, MERGED, ORACLE, RANDOM, ROUTED
from restoreroute.reporting.figures_file import BENCHES, SWEEPS
from restoreroute.reporting.results_file import SavedResults
from restoreroute.reporting.tables import bench_markdown, made_by, operations, result_markdown
from restoreroute.spec.results import ResultRow

DOCS = Path(__file__).resolve().parent
CARDS = DOCS.parent / "plugins" / "restoreroute_models" / "models"
DOCUMENTS = (DOCS.parent / "README.md", *sorted(DOCS.rglob("*.md")), *sorted(CARDS.glob("*.md")))
BLOCK = re.compile(r"<!-- (?P<kind>\w+): (?P<names>[^>]+) -->\n.*?<!-- end -->", flags=re.S)


def full(runs: Sequence[SavedResults]) -> str:
    """Everything that was measured: who made it, then one table for each set."""
    return "\n".join(
        "\n\n".join([made_by(run), *(result_markdown(result) for result in run.results.sets)]) for run in runs
    )


def photos(runs: Sequence[SavedResults]) -> str:
    """PSNR RGB of each photo, for the first protocol."""
    ways = (INTERPOLATION, BASELINE, ROUTED)
    rows = [
        (image.file, *(f"{image.rows[way].psnr_rgb:.2f}" for way in ways))
        for run in runs
        for image in run.results.sets[0].images
    ]
    return table(("photo, PSNR RGB", *ways), rows)


def summary(runs: Sequence[SavedResults]) -> str:
    """One line for each run: quality, shares, and the executed operations against the baseline's."""
    rows = []
    for run in runs:
        result = run.results.sets[0]
        plain, base, routed = (result.row(way) for way in (INTERPOLATION, BASELINE, ROUTED))
        minutes = sum(run.provenance["seconds"].values()) / 60
        rows.append(
            (
                f"`{run.results.name}`",
                *(f"{row.quality.psnr_rgb:.2f}" for row in (plain, base, routed)),
                "/".join(f"{100 * share:.0f}" for share in routed.shares),
                operations(base.executed),
                f"{100 * routed.executed / base.executed:.0f} %",
                f"{100 * routed.charged / base.executed:.0f} %",
                f"{minutes:.0f}",
            )
        )
    headings = ("recipe", "input", "baseline", "routed", "shares %", "baseline executes", "routed", "charged", "min")
    return table(headings, rows)


def sets(runs: Sequence[SavedResults]) -> str:
    """One line for each set: what is gained and lost by routing, and what it costs with the Class-Module."""
    rows = []
    for run in runs:
        for result in run.results.sets:
            plain, base, routed, drawn, best = (
                result.row(way) for way in (INTERPOLATION, BASELINE, ROUTED, RANDOM, ORACLE)
            )
            merged = [row for row in result.rows if row.name == MERGED]  # of whole images only
            rows.append(
                (
                    f"{result.set_name}, {result.protocol}",
                    *map(both, (plain, base, routed)),
                    both(merged[0]) if merged else "-",
                    f"{drawn.quality.psnr_rgb:.2f}",
                    f"{best.quality.psnr_rgb:.2f}",
                    "/".join(f"{100 * share:.0f}" for share in routed.shares),
                    f"{100 * (routed.executed + result.class_module) / base.executed:.0f} %",
                )
            )
    headings = ("PSNR RGB / Y", "input", "baseline", "routed", "merged", "random route", "oracle", "shares %", "cost")
    return table(headings, rows)


def both(row: ResultRow) -> str:
    """The quality of a way in colour and in brightness."""
    return f"{row.quality.psnr_rgb:.2f} / {row.quality.psnr_y or 0:.2f}"


def bench(files: Sequence[Path]) -> str:
    """Seconds of every way to restore, and the machine that they were measured on."""
    parts = []
    for file in files:
        benches, machine = BENCHES.read(file)
        parts += [", ".join(map(str, machine.values())), *map(bench_markdown, benches)]
    return "\n\n".join(parts)


def ratios(files: Sequence[Path]) -> str:
    """What the seamless way takes against the others, one line for each model and machine."""
    rows = []
    for file in files:
        benches, machine = BENCHES.read(file)
        for one in benches:
            taken = {way: timing.median for way, timing in one.timings.items()}
            seamless = taken[SEAMLESS]
            rows.append(
                (
                    f"{one.name}, {machine['processor']}",
                    "/".join(f"{100 * share:.0f}" for share in one.shares),
                    f"{seamless / one.reference:.2f}",
                    "-" if one.at_best is None else f"{one.at_best / one.reference:.2f}",
                    f"{seamless / taken[PLAIN]:.2f}",
                    f"{taken[LOOP] / seamless:.1f}",
                )
            )
    headings = (
        *("seconds", "shares %", "seamless / reference", "at best / reference"),
        *("seamless / plain PyTorch", "patch loop / seamless"),
    )
    return table(headings, rows)


def budgets(files: Sequence[Path]) -> str:
    """PSNR RGB of each model under each budget, as the difference to its baseline."""
    sweeps = [sweep for file in files for sweep in SWEEPS.read(file)[0]]
    kept = [point.budget for point in sweeps[0].points if point.budget is not None]
    rows = []
    for sweep in sweeps:
        lost = {point.budget: point.quality.psnr_rgb - sweep.baseline.psnr_rgb for point in sweep.points}
        differences = (f"{lost[budget]:+.3f}" if budget in lost else "-" for budget in kept)
        rows.append((f"{sweep.model}, {sweep.set_name}", f"{100 * sweep.class_module:.1f} %", *differences))
    return table(("", "Class-Module", *(f"budget {budget:g}" for budget in kept)), rows)


def trials(files: Sequence[Path]) -> str:
    """Validation PSNR of short trainings by the share of sub-images seen, and the gain over the first training."""
    rows = []
    for file in files:
        content = json.loads(file.read_text(encoding="utf-8"))
        first: dict[float, float] = {}
        for trial in content["trials"]:
            seen = {iteration * trial["batch"] / content["sub_images"]: psnr for iteration, psnr in trial["validation"]}
            first = first or seen
            last = max(share for share in seen if share in first)
            cells = (f"{seen[share]:.2f}" if share in seen else "-" for share in QUARTERS)
            gain = "" if seen is first else f"{seen[last] - first[last]:+.2f} at {100 * last:.0f} %"
            rows.append((trial["what"], *cells, gain))
    return table(("dB on validation", *(f"{100 * share:.0f} %" for share in QUARTERS), "against the first"), rows)


QUARTERS = (0.25, 0.5, 0.75, 1.0)


def of_runs(table_of: Callable[[Sequence[SavedResults]], str]) -> Callable[[Sequence[Path]], str]:
    """From files of results instead of the results."""
    return lambda files: table_of([finished_run(file) for file in files])


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, the first column of words and the others of figures."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (headings, *rows)]
    lines.insert(1, "| --- |" + " ---: |" * (len(headings) - 1))
    return "\n".join(lines)


KINDS: dict[str, Callable[[Sequence[Path]], str]] = {
    **{kind.__name__: of_runs(kind) for kind in (full, photos, summary, sets)},
    "bench": bench,
    "ratios": ratios,
    "budgets": budgets,
    "trials": trials,
}


def filled(text: str) -> str:
    """A document with its tables as the results say."""

    def replaced(block: re.Match[str]) -> str:
        kind, names = block["kind"], block["names"].split()
        files = [DOCS / "results" / f"{name}.json" for name in names]
        return f"<!-- {kind}: {block['names']} -->\n\n{KINDS[kind](files).strip()}\n\n<!-- end -->"

    return BLOCK.sub(replaced, text)


def main() -> int:
    """Rewrite every document whose tables are not those of the results."""
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        if (new := filled(text)) != text:
            document.write_text(new, encoding="utf-8")
            print(f"{document.relative_to(DOCS.parent)} written anew")
    return 0


if __name__ == "__main__":
    sys.exit(main())
