"""Scores of all sub-images by a difficulty estimator, made once and kept."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from restoreroute.app.keys import digest, offer_facts, seed_for
from restoreroute.app.references import RunReferences
from restoreroute.app.steps import reported
from restoreroute.data.pairs import fingerprint
from restoreroute.data.sub_images import SubImages
from restoreroute.imaging.atomic import write_atomically
from restoreroute.spec.difficulty import DifficultyEstimator
from restoreroute.spec.events import Listener, StepReused, WorkProgress
from restoreroute.spec.options import Options
from restoreroute.spec.plan import RunPlan

if TYPE_CHECKING:
    from restoreroute.spec.difficulty import Score

SCORING_BATCH = 96


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """A difficulty estimator at work on the sub-images of a run.

    Attributes:
        step: name of the step that scores.
        estimator: name of the estimator.
        score: gives the scores of a batch.
        key: what the scores depend on.
        seed: randomness of a task that degrades at random.
    """

    step: str
    estimator: str
    score: Score
    key: str
    seed: int

    @classmethod
    def of(
        cls,
        plan: RunPlan,
        step: str,
        offer: DifficultyEstimator,
        options: Options,
        *,
        references: RunReferences,
        data_key: str,
        baseline_key: str | None,
    ) -> Scorer:
        """The scorer of a plan's estimator.

        Args:
            plan: the run.
            step: name of the step that scores.
            offer: the estimator.
            options: its options.
            references: what it may measure.
            data_key: what the sub-images depend on.
            baseline_key: what the baseline depends on, if the estimator may use it.
        """
        score = offer.build(options, references)
        key = digest(
            data_key,
            offer_facts(plan, offer.kind, offer.name, options),
            baseline_key if references.uses_baseline else None,
            fingerprint(references.files),
            *([seed_for(plan, step)] if plan.task.bound.random else []),
        )
        return cls(step=step, estimator=offer.name, score=score, key=key, seed=seed_for(plan, step))

    def scores(self, sub_images: SubImages, path: Path, *, listen: Listener) -> NDArray[np.float64]:
        """The score of every sub-image in the order of the index, read from ``path`` if they lie there already."""
        saved = _load_scores(path, self.key)
        if saved is not None:
            listen(StepReused(step=self.step))
            return saved
        with reported(listen, self.step, self.estimator) as finish:
            scores = self._score(sub_images, listen)
            _save_scores(path, self.key, scores)
            finish(f"scores from {scores.min():.1f} to {scores.max():.1f}, median {np.median(scores):.1f}")
        return scores

    def _score(self, sub_images: SubImages, listen: Listener) -> NDArray[np.float64]:
        count = len(sub_images.index)
        parts: list[NDArray[np.float64]] = []
        for start in range(0, count, SCORING_BATCH):
            positions = np.arange(start, min(start + SCORING_BATCH, count))
            parts.append(self.score(*sub_images.read(positions, np.random.default_rng([self.seed, start])).arrays()))
            listen(WorkProgress(step=self.step, done=int(positions[-1]) + 1, total=count))
        return np.concatenate(parts)


def _save_scores(path: Path, key: str, scores: NDArray[np.float64]) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, key=np.array(key), scores=scores)
    write_atomically(path, lambda file: file.write(buffer.getbuffer()))


def _load_scores(path: Path, key: str) -> NDArray[np.float64] | None:
    """Scores saved under the same key; None where they are missing, damaged or of another key."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            if str(content["key"]) != key:
                return None
            scores: NDArray[np.float64] = content["scores"]
            return scores
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
