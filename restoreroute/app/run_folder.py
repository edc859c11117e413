"""The folder of a run: what lies where, and that one run at a time writes to it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from restoreroute.app.models import BASELINE_NAME
from restoreroute.data.pairs import PairCache
from restoreroute.errors import InputError, OutputError
from restoreroute.imaging.atomic import remove_leftovers
from restoreroute.spec.plan import RunPlan


@dataclass(frozen=True)
class RunFolder:
    """Paths of one run.

    Attributes:
        path: ``<runs>/<name>``.
    """

    path: Path

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.resolved.yml"

    @property
    def model(self) -> Path:
        return self.path / "model.safetensors"

    @property
    def baseline(self) -> Path:
        return self.path / BASELINE_NAME

    @property
    def results(self) -> Path:
        return self.path / "results.json"

    @property
    def curves(self) -> Path:
        return self.path / "curves.png"

    @property
    def events(self) -> Path:
        return self.path / "events"

    @property
    def routes(self) -> Path:
        return self.path / "routes"

    def pair_cache(self, plan: RunPlan) -> PairCache:
        """Degraded and clean images; the folder is shared by all runs in the same place."""
        provider = plan.providers.get(f"{plan.task.offer.kind} {plan.task.offer.name}")
        return PairCache(self.path.parent / ".cache" / "pairs", plan.task, provider)

    @property
    def state(self) -> Path:
        return self.path / "state"

    def checkpoint(self, stage: str) -> Path:
        return self.state / f"{stage}.pt"

    @property
    def scores(self) -> Path:
        return self.state / "difficulty.npz"

    @property
    def hardness(self) -> Path:
        return self.state / "hardness.npz"

    @property
    def preference(self) -> Path:
        return self.state / "preference.json"

    def forget(self) -> None:
        """Delete the state of all steps, so that they run anew; results stay until they are replaced."""
        shutil.rmtree(self.state, ignore_errors=True)
        self.state.mkdir(exist_ok=True)
        self.results.unlink(missing_ok=True)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Make the folder, hold it for this process and clear away what killed ones left half written.

        Raises:
            OutputError: if it can't be made or written to.
            InputError: if another process runs in it.
        """
        lock = FileLock(self.path / ".lock")
        try:
            self.state.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout:
            raise InputError(
                "another run is at work in this folder",
                where=str(self.path),
                hint="wait for it, or give this run another name: name=...",
            ) from None
        except OSError as error:
            raise OutputError(
                f"can't be written to: {error.strerror}",
                where=str(self.path),
                hint="choose another --runs folder",
            ) from error
        for folder in (self.path, self.state, self.routes):
            remove_leftovers(folder)
        try:
            yield
        finally:
            lock.release()
