"""Resolves the parts of one recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any, TypeVar

from restoreroute.errors import InputError, RecipeError, UnknownNameError, nearest
from restoreroute.plugin.catalogue import Catalogue, Shelf
from restoreroute.recipe import capabilities
from restoreroute.recipe.branches import BranchReader
from restoreroute.recipe.document import Document
from restoreroute.recipe.findings import Findings
from restoreroute.recipe.moved import without_moved_keys
from restoreroute.recipe.places import Path
from restoreroute.recipe.plain_recipe import plain_recipe
from restoreroute.recipe.schema import (
    PROTOCOLS,
    Choice,
    DataOptions,
    DifficultyChoice,
    EvaluationOptions,
    HardnessChoice,
    Recipe,
    SourceChoice,
)
from restoreroute.recipe.shorthand import FOLDER, SPLITS
from restoreroute.recipe.single import BASELINE, check_single, is_single
from restoreroute.recipe.words import one_of
from restoreroute.spec.backbone import BackboneFamily
from restoreroute.spec.offering import Offering
from restoreroute.spec.options import Options
from restoreroute.spec.plan import (
    BranchPlan,
    DataPlan,
    DifficultyPlan,
    EvaluationPlan,
    HardnessPlan,
    Provider,
    RunPlan,
    SourcePlan,
    TaskPlan,
)
from restoreroute.spec.routing import RoutingOptions
from restoreroute.spec.stages import LossOptions, NetworkStage, Stages

OfferT = TypeVar("OfferT", bound=Offering[Any])


class Resolver:
    """Resolves one recipe.

    Args:
        document: the recipe with overrides applied and shorthands written out.
        catalogue: where names are looked up.
    """

    def __init__(self, document: Document, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._findings = Findings(document)
        self._data = without_moved_keys(document.data, self._findings)
        self._providers: dict[str, Provider] = {}

    def plan(self) -> RunPlan:
        """The plan.

        Raises:
            RecipeError: if anything is wrong.
        """
        parts = self._findings.fields(Recipe, self._data, ())
        task = self._task(parts.get("task"))
        family, options = self._choice(self._catalogue.backbones, parts.get("backbone"), "backbone")
        reader = BranchReader(
            self._findings,
            family,
            {} if family is None else parts["backbone"].chosen,
            options,
            lambda name, path: self._offer(self._catalogue.backbones, name, path),
        )
        branches = reader.read(self._data.get("branches"))
        if task is not None:
            self._check_scale(family, branches or (), task.bound.scale)
        families = tuple(one for one in (family, *(branch.family for branch in branches or ())) if one is not None)
        data = self._data_plan(families, task)
        evaluation = self._evaluation()
        stages = self._stages()
        self._check_sub_images(stages, families)
        self._check_geometry(families)
        difficulty = None
        if branches is not None and is_single(branches):
            check_single(self._findings, branches[0], stages.get(BASELINE))
        else:
            difficulty = self._difficulty(parts.get("difficulty"), branches)
            self._check_routing(stages, branches, parts.get("losses"))
        problems = self._findings.problems()
        if (
            problems
            or task is None
            or family is None
            or options is None
            or branches is None
            or data is None
            or (difficulty is None and not is_single(branches))
            or evaluation is None
        ):
            raise RecipeError(problems)
        plan = RunPlan(
            name=parts["name"],
            seed=parts["seed"],
            task=task,
            branches=branches,
            class_module=parts["class_module"],
            losses=parts["losses"],
            data=data,
            difficulty=difficulty,
            stages=parts["stages"],
            routing=parts["routing"],
            evaluation=evaluation,
            providers=dict(sorted(self._providers.items())),
            recipe={},
        )
        return replace(plan, recipe=plain_recipe(plan, family, options))

    def _check_scale(self, family: BackboneFamily | None, branches: Sequence[BranchPlan], scale: int) -> None:
        families = tuple(self._catalogue.backbones)
        if family is not None:
            self._report(capabilities.scale_served(family, scale, families), ("backbone", "name"))
        for index, branch in enumerate(branches):
            if branch.family is not family:
                served = capabilities.scale_served(branch.family, scale, families)
                self._report(served, ("branches", index, "family"))

    def _report(self, message: str | None, path: Path) -> None:
        if message is not None:
            self._findings.add(message, path)

    def _offer(self, shelf: Shelf[OfferT], name: str, path: Path) -> OfferT | None:
        try:
            offer = shelf.get(name)
        except UnknownNameError as error:
            self._findings.add(str(error), path)
            return None
        self._providers[f"{offer.kind} {offer.name}"] = shelf.provider(name)
        return offer

    def _choice(self, shelf: Shelf[OfferT], choice: Choice | None, key: str) -> tuple[OfferT | None, Options | None]:
        """The offering and its options; either is None where it is wrong."""
        if choice is None:
            return None, None
        offer = self._offer(shelf, choice.name, (key, "name"))
        if offer is None:
            return None, None
        reserved = tuple(type(choice).model_fields)
        return offer, self._findings.model(offer.options, choice.chosen, (key,), beside=reserved)

    def _task(self, choice: Choice | None) -> TaskPlan | None:
        offer, options = self._choice(self._catalogue.tasks, choice, "task")
        if offer is None or options is None:
            return None
        try:
            return TaskPlan(offer=offer, options=options, bound=offer.build(options))
        except (ValueError, InputError) as error:
            self._findings.add(str(error), ("task",))
            return None

    def _difficulty(
        self, choice: DifficultyChoice | None, branches: Sequence[BranchPlan] | None
    ) -> DifficultyPlan | None:
        offer, options = self._choice(self._catalogue.difficulty_estimators, choice, "difficulty")
        if choice is not None:
            self._check_edges(choice, branches)
        if choice is None or offer is None or options is None:
            return None
        return DifficultyPlan(offer=offer, options=options, quantiles=choice.quantiles, thresholds=choice.thresholds)

    def _check_edges(self, choice: DifficultyChoice, branches: Sequence[BranchPlan] | None) -> None:
        edges = {"quantiles": choice.quantiles, "thresholds": choice.thresholds}
        classes = None if branches is None else len(branches)
        if all(values is not None for values in edges.values()):
            message = "can't stand beside difficulty.quantiles: leave one of the two out"
            self._findings.add(message, ("difficulty", "thresholds"), at_key=True)
        for key, values in edges.items():
            self._report(capabilities.edges_fit(values, classes), ("difficulty", key))

    def _data_plan(self, families: Sequence[BackboneFamily], task: TaskPlan | None) -> DataPlan | None:
        parts = self._findings.fields(DataOptions, self._data.get("data"), ("data",))
        sources = {split: self._source(parts.get(split), ("data", split)) for split in SPLITS}
        for family in families if "sub_image" in parts else ():
            self._report(capabilities.size_fits(family, parts["sub_image"]), ("data", "sub_image"))
        found = {split: source for split, source in sources.items() if source is not None}
        hardness = self._hardness(parts.get("hardness"))
        offered = tuple(self._catalogue.data_sources)
        if task is not None:
            for split, source in found.items():
                self._report(capabilities.source_fits(task.offer, source.offer, offered), ("data", split))
        if "train" in found and "clean_scales" in parts:
            fitting = capabilities.clean_scales_fit(parts["clean_scales"], found["train"].offer)
            self._report(fitting, ("data", "clean_scales"))
        if found.keys() != sources.keys() or parts.keys() != DataOptions.model_fields.keys():
            return None
        return DataPlan(**{**parts, **found, "hardness": hardness})

    def _hardness(self, choice: HardnessChoice | None) -> HardnessPlan | None:
        if choice is None:
            return None
        path = ("data", "hardness")
        offer = self._offer(self._catalogue.difficulty_estimators, choice.name, (*path, "name"))
        if offer is None:
            return None
        options = self._findings.model(offer.options, choice.chosen, path, beside=tuple(type(choice).model_fields))
        return None if options is None else HardnessPlan(offer=offer, options=options, keep=choice.keep)

    def _source(self, choice: SourceChoice | None, path: Path) -> SourcePlan | None:
        if choice is None:
            return None
        mistaken = self._mistaken_for_folder(choice)
        if mistaken is not None:
            self._findings.add(mistaken, path)
            return None
        offer = self._offer(self._catalogue.data_sources, choice.source, (*path, "source"))
        if offer is None:
            return None
        options = self._findings.model(offer.options, choice.chosen, path, beside=("source",))
        return None if options is None else SourcePlan(offer=offer, options=options)

    def _mistaken_for_folder(self, choice: SourceChoice) -> str | None:
        """What to say if the path of a folder that does not exist is nearly the name of a data source."""
        path = choice.chosen.get("path")
        if choice.source != FOLDER or not isinstance(path, str) or len(FilePath(path).parts) != 1:
            return None
        meant = nearest(path, self._catalogue.data_sources.names())
        if meant is None or FilePath(path).exists():
            return None
        return f"there is neither a data source nor a folder {path!r}; did you mean {meant!r}?"

    def _evaluation(self) -> EvaluationPlan | None:
        parts = self._findings.fields(EvaluationOptions, self._data.get("evaluation", {}), ("evaluation",))
        for index, name in enumerate(parts.get("protocols", ())):
            if name not in PROTOCOLS:
                self._findings.add(one_of(name, PROTOCOLS), ("evaluation", "protocols", index))
        if parts.keys() != EvaluationOptions.model_fields.keys():
            return None
        return EvaluationPlan(**parts)

    def _check_geometry(self, families: Sequence[BackboneFamily]) -> None:
        routing = self._findings.fields(RoutingOptions, self._data.get("routing", {}), ("routing",))
        for family in families if "patch" in routing else ():
            self._report(capabilities.size_fits(family, routing["patch"]), ("routing", "patch"))
        if "stride" in routing and "patch" in routing:
            self._report(capabilities.stride_fits(routing["stride"], routing["patch"]), ("routing", "stride"))

    def _stages(self) -> dict[str, Any]:
        """Those stages that nothing is wrong with by themselves."""
        stages = self._findings.fields(Stages, self._data.get("stages", {}), ("stages",))
        for name, stage in stages.items():
            self._report(capabilities.warmup_fits(stage), ("stages", name, "warmup"))
            self._report(capabilities.weight_decay_fits(stage), ("stages", name, "weight_decay"))
            if isinstance(stage, NetworkStage):
                self._report(capabilities.phases_fit(stage), ("stages", name, "phases"))
        return stages

    def _check_sub_images(self, stages: Mapping[str, Any], families: Sequence[BackboneFamily]) -> None:
        """Sides of sub-images that stages and their phases ask for have to suit the families, as those of the data."""
        for name, stage in stages.items():
            if not isinstance(stage, NetworkStage):
                continue
            path: Path = ("stages", name)
            asked = [((*path, "sub_image"), stage.sub_image)]
            asked += [((*path, "phases", at, "sub_image"), phase.sub_image) for at, phase in enumerate(stage.phases)]
            for where, side in asked:
                if side is not None:
                    for family in families:
                        self._report(capabilities.size_fits(family, side), where)

    def _check_routing(
        self, stages: Mapping[str, Any], branches: Sequence[BranchPlan] | None, losses: LossOptions | None
    ) -> None:
        """What the parts of a routed model have to fit."""
        if branches is not None and losses is not None:
            shares = capabilities.shares_fit(losses.target_shares, len(branches))
            self._report(shares, ("losses", "target_shares"))
        if "pretrain" in stages and branches is not None:
            counts = capabilities.per_branch_fits(stages["pretrain"], len(branches))
            self._report(counts, ("stages", "pretrain", "per_branch"))
        if "pretrain" in stages and "baseline" in stages:
            pretrain = stages["pretrain"]
            trained = bool(stages["baseline"].iterations or (branches and branches[-1].start))
            start = capabilities.start_fits(pretrain.start, trained)
            self._report(start, ("stages", "pretrain", "start"))
            self._report(capabilities.distil_fits(pretrain.distil, trained), ("stages", "pretrain", "distil"))
