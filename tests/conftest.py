"""Fixtures that every group of tests shares."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def golden() -> Path:
    """Folder of values made by independent code; it lives beside the project and may be absent."""
    folder = ROOT.parent / "shared" / "golden"
    if not folder.is_dir():
        pytest.skip(f"golden values are not at {folder}")
    return folder
