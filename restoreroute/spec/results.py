"""Figures of an evaluation, as data."""

from __future__ import annotations

from dataclasses import dataclass


def measured_set(name: str, crop: int | None) -> str:
    """What is measured: a set, or the centre squares of its images, whose side is in clean pixels."""
    return name if crop is None else f"{name}, centres of up to {crop} x {crop}"


@dataclass(frozen=True, kw_only=True)
class Quality:
    """How close restored images are to clean ones.

    Attributes:
        psnr_rgb: dB, over all channels jointly.
        psnr_y: dB on BT.601 luma; None where images are not RGB.
        ssim: mean structural similarity on luma (on all channels where images are not RGB); None where an image
            is too small for it.
    """

    psnr_rgb: float
    psnr_y: float | None
    ssim: float | None


@dataclass(frozen=True, kw_only=True)
class ResultRow:
    """One way to restore, measured over a set.

    Attributes:
        name: e.g. ``"routed"``.
        quality: mean over the images.
        shares: share of the patches per branch, cheapest first; empty where nothing is routed.
        executed: mean operations of the branches per patch (2 per multiply-accumulate).
        charged: executed operations with the overlap of patches and the Class-Module, per patch area of the image.
        paper: mean operations of branches and Class-Module per patch in the paper's convention, without overlap.
        seconds: time to restore the set, Class-Module included, metrics not.
    """

    name: str
    quality: Quality
    shares: tuple[float, ...]
    executed: float
    charged: float
    paper: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class ImageFigures:
    """Quality of every row for one image."""

    file: str
    rows: dict[str, Quality]


@dataclass(frozen=True, kw_only=True)
class SetResult:
    """All rows for one set of images under one protocol.

    Attributes:
        patch: side in degraded pixels of the patch that costs are of.
        patches: how many of them the set has.
        confidence: mean largest probability over all patches, None where there is no Class-Module.
        class_module: operations that the Class-Module executes per patch.
    """

    set_name: str
    protocol: str
    patch: int
    patches: int
    confidence: float | None
    rows: tuple[ResultRow, ...]
    images: tuple[ImageFigures, ...]
    class_module: float = 0.0

    def row(self, name: str) -> ResultRow:
        """The row of that name.

        Raises:
            KeyError: if there is none.
        """
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(name)


@dataclass(frozen=True, kw_only=True)
class ClassesRow:
    """One way to restore, measured on each difficulty class.

    Attributes:
        psnr_rgb: mean over the sub-images of each class, dB, easiest class first; None for a class without any.
    """

    name: str
    psnr_rgb: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class ClassesResult:
    """Sub-images by difficulty class, each restored alone (paper table 1).

    Attributes:
        sub_image: side of a sub-image in degraded pixels.
        estimator: name of what scored them.
        edges: largest score of each class but the last.
        counts: sub-images of each class.
    """

    set_name: str
    sub_image: int
    estimator: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    rows: tuple[ClassesRow, ...]


@dataclass(frozen=True, kw_only=True)
class SweepPoint:
    """A set restored under one budget.

    Attributes:
        budget: share of the full network's executed operations; None for the route that the model was trained for.
        spent: share that was executed, Class-Module and context included; mean over the images.
        quality: mean over the images.
        shares: of the cells per branch, cheapest first.
    """

    budget: float | None
    spent: float
    quality: Quality
    shares: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class SweepResult:
    """Quality against cost of a model on one set.

    Attributes:
        model: its name.
        images: how many.
        baseline: the full network alone over whole images, which spends 1.
        class_module: share that the Class-Module executes.
    """

    model: str
    set_name: str
    images: int
    baseline: Quality
    class_module: float
    points: tuple[SweepPoint, ...]


@dataclass(frozen=True, kw_only=True)
class PreferencePoint:
    """What one preference for cheap branches comes to.

    Attributes:
        speed: the preference (:func:`~restoreroute.routing.policies.at_speed`).
        psnr: dB over all channels, mean over the photos.
        share: operations executed for a cell, Class-Module included, as a share of the full network's.
    """

    speed: float
    psnr: float
    share: float


@dataclass(frozen=True, kw_only=True)
class PreferenceCurve:
    """Quality against cost, from the full network everywhere to the cheapest branch everywhere.

    Attributes:
        full: what the full network gives on the same photos, in dB.
        points: by rising speed; where many speeds give the same route, the one nearest to 0.
    """

    full: float
    points: tuple[PreferencePoint, ...]


@dataclass(frozen=True, kw_only=True)
class Preference:
    """The preference that was chosen for a model.

    Attributes:
        loss_db: how far below the full network the mean PSNR was allowed to be, in dB.
        chosen: the cheapest point of the curve within that.
    """

    loss_db: float
    curve: PreferenceCurve
    chosen: PreferencePoint


@dataclass(frozen=True, kw_only=True)
class RunResults:
    """What a run came to.

    Attributes:
        folder: where everything was written.
        model: path of the model file.
        sets: one entry per protocol that restores whole images.
        stages: validation figures of every training stage.
        classes: figures under the protocol ``"classes"``, None where it was not asked for.
        preference: how the model's preference was chosen, None where the recipe fixed it or nothing is routed.
    """

    name: str
    folder: str
    model: str
    sets: tuple[SetResult, ...]
    stages: dict[str, list[dict[str, float]]]
    classes: ClassesResult | None = None
    preference: Preference | None = None
