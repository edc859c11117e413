"""Results of finished runs, read again."""

from __future__ import annotations

from pathlib import Path

from restoreroute.app.run_folder import RunFolder
from restoreroute.errors import InputError
from restoreroute.reporting.results_file import SavedResults, read_results


def finished_run(path: Path) -> SavedResults:
    """What a run came to.

    Args:
        path: the run's folder, or its results.json.

    Raises:
        InputError: if there are no results, or none that this version can read.
    """
    file = RunFolder(path).results if path.is_dir() else path
    if not file.is_file():
        raise InputError("has no results", where=str(path), hint="a run writes results.json at its end")
    found = read_results(file)
    if found is None:
        raise InputError(
            "can't be read as results of a run", where=str(file), hint="run the recipe again to measure anew"
        )
    return found
