"""Results as an evaluation gives them."""

from __future__ import annotations

import math

import pytest

from restoreroute.spec.results import (
    ClassesResult,
    ClassesRow,
    ImageFigures,
    Preference,
    PreferenceCurve,
    PreferencePoint,
    Quality,
    ResultRow,
    RunResults,
    SetResult,
)


@pytest.fixture
def result() -> SetResult:
    exact = Quality(psnr_rgb=math.inf, psnr_y=None, ssim=None)
    usual = Quality(psnr_rgb=29.126, psnr_y=30.5, ssim=0.87654)
    return SetResult(
        set_name="Set5",
        protocol="whole",
        patch=32,
        patches=1234,
        confidence=0.75,
        rows=(
            ResultRow(name="interpolation", quality=exact, shares=(), executed=0, charged=0, paper=0, seconds=0.25),
            ResultRow(
                name="routed",
                quality=usual,
                shares=(0.61, 0.23, 0.16),
                executed=35_832_000.0,
                charged=50_123_000.0,
                paper=1_304_570_000.0,
                seconds=12.345,
            ),
        ),
        images=(
            ImageFigures(file="a.png", rows={"interpolation": exact, "routed": usual}),
            ImageFigures(file="b.png", rows={"interpolation": exact, "routed": usual}),
        ),
    )


@pytest.fixture
def classes() -> ClassesResult:
    """Nothing easier than the second edge was found to be hardest."""
    return ClassesResult(
        set_name="test",
        sub_image=32,
        estimator="network",
        edges=(-35.15, math.inf),
        counts=(600, 1234, 0),
        rows=(
            ClassesRow(name="interpolation", psnr_rgb=(40.126, 28.0, None)),
            ClassesRow(name="branch fsrcnn-16", psnr_rgb=(42.714, 29.6, None)),
        ),
    )


@pytest.fixture
def preference() -> Preference:
    points = (
        PreferencePoint(speed=-4.52, psnr=28.73, share=1.02),
        PreferencePoint(speed=-1.3, psnr=28.71, share=0.614),
        PreferencePoint(speed=3.0, psnr=28.2, share=0.25),
    )
    return Preference(loss_db=0.03, curve=PreferenceCurve(full=28.73, points=points), chosen=points[1])


@pytest.fixture
def results(result: SetResult) -> RunResults:
    return RunResults(
        name="run",
        folder="runs/run",
        model="runs/run/model.safetensors",
        sets=(result,),
        stages={"joint": [{"iteration": 5.0, "psnr": 29.5}, {"iteration": 10.0, "psnr": math.inf}]},
    )
