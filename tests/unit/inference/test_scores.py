"""The pass over all cells against the Class-Module on one patch at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from restoreroute.inference.areas import cut_into_areas
from restoreroute.inference.engine import crop
from restoreroute.inference.scores import score_cells
from restoreroute.routing.class_module import ClassModule


def module() -> ClassModule:
    torch.manual_seed(0)
    return ClassModule(channels=3, branches=3, width=8).eval()


@pytest.mark.parametrize(("cell", "patch"), [(28, 32), (12, 16), (6, 9), (8, 8)])
@pytest.mark.parametrize("size", [(1, 1), (28, 28), (61, 130), (300, 47)])
def test_every_cell_is_judged_by_the_patch_around_it(cell: int, patch: int, size: tuple[int, int]) -> None:
    image, judge = torch.rand(3, *size, generator=torch.Generator().manual_seed(1)), module()

    scores = score_cells(judge, image, cell=cell, patch=patch)

    rows, columns = (-(-side // cell) for side in size)
    assert scores.shape == (rows, columns, 3)
    margin = (patch - cell) // 2
    extended = functional.pad(image[None], (margin, patch + cell, margin, patch + cell), mode="replicate")[0]
    with torch.no_grad():
        for row in range(rows):
            for column in range(columns):
                window = extended[:, row * cell :, column * cell :][:, :patch, :patch]
                expected = judge(window[None]).softmax(dim=1)[0].numpy()
                np.testing.assert_allclose(scores[row, column], expected, atol=1e-5)


def test_stripes_are_judged_as_the_whole_image() -> None:
    """A block's figures are the same bits, whatever else there is of the image."""
    image, judge = torch.rand(3, 500, 300, generator=torch.Generator().manual_seed(1)), module()

    whole = score_cells(judge, image, cell=28, patch=32)
    left = score_cells(judge, image[:, :, : 8 * 28 + 2], cell=28, patch=32)

    np.testing.assert_array_equal(left[:, :8], whole[:, :8])


def test_an_area_with_its_context_is_judged_as_in_the_image() -> None:
    image, judge = torch.rand(3, 700, 300, generator=torch.Generator().manual_seed(1)), module()

    whole = score_cells(judge, image, cell=28, patch=32)
    for row in cut_into_areas(700, 300, rows=224, columns=448, context=5):
        for area in row.areas:
            scores = score_cells(judge, crop(image, area.seen, 1), cell=28, patch=32, inside=area.kept)
            box = area.inside
            expected = whole[box.top // 28 : -(-box.bottom // 28), box.left // 28 : -(-box.right // 28)]
            np.testing.assert_array_equal(scores, expected)
