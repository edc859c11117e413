"""Curves of the routing stages."""

from __future__ import annotations

from pathlib import Path

from restoreroute.imaging.io import read_image
from restoreroute.reporting.curves import draw_curves


def stage(confidence: float) -> list[dict[str, float]]:
    return [
        {"iteration": number, "psnr": 30 + number, "confidence": confidence, "share_0": 0.9, "share_1": 0.1}
        for number in (1, 2, 3)
    ]


def test_runs_are_lines_of_one_picture(tmp_path: Path) -> None:
    one, two = {"class_module": stage(0.4), "joint": stage(0.6)}, {"class_module": stage(0.9)}

    assert draw_curves({"one": one}, tmp_path / "one.png")
    assert draw_curves({"one": one, "two": two}, tmp_path / "both.png")

    alone, both = (read_image(tmp_path / name) for name in ("one.png", "both.png"))
    assert alone.shape == both.shape
    assert (alone != both).any()


def test_without_routing_there_is_nothing_to_draw(tmp_path: Path) -> None:
    assert not draw_curves({"run": {"baseline": [{"iteration": 1, "psnr": 30.0}]}}, tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()
