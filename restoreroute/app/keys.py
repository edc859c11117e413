"""What each step depends on, as hashes: a step is repeated exactly when its hash changes."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from restoreroute.spec.options import Options
from restoreroute.spec.plan import BranchPlan, RunPlan
from restoreroute.spec.stages import StageOptions

NEUTRAL = {"validate_every", "checkpoint_every"}
"""Stage options that do not change what is learnt."""


def digest(*facts: Any) -> str:
    """A hash of plain data."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def stage_facts(options: StageOptions) -> dict[str, Any]:
    """Everything in the options that changes what is learnt."""
    return options.model_dump(mode="json", exclude=NEUTRAL)


def offer_facts(plan: RunPlan, kind: str, name: str, options: Options) -> list[Any]:
    """An offering with its options and the version of its provider."""
    provider = plan.providers.get(f"{kind} {name}")
    version = None if provider is None else [provider.distribution, provider.version]
    return [kind, name, options.model_dump(mode="json"), version]


def branch_facts(plan: RunPlan, branch: BranchPlan) -> list[Any]:
    """A branch, fully described."""
    return [*offer_facts(plan, branch.family.kind, branch.family.name, branch.options), branch.width]


def seed_for(plan: RunPlan, purpose: str) -> int:
    """A seed of its own for each purpose, from the run's seed; 32 bits."""
    return int(digest(plan.seed, purpose)[:8], 16)
