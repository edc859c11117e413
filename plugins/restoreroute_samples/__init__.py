"""Photos that ship with restoreroute, and any folder of images or two folders of pairs, as data sources.

Authors and licences of the photos: ``photos/CREDITS.tsv``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from restoreroute import hookimpl
from restoreroute.imaging.io import find_images
from restoreroute.imaging.pairing import pair_images
from restoreroute.spec.options import Options
from restoreroute.spec.source import DataSource, ImagePair

PHOTOS = Path(__file__).parent / "photos"


class SamplesOptions(Options):
    """Which of the embedded photos."""

    split: Literal["train", "validation", "test"] = Field(description="part of the embedded photos")


class FolderOptions(Options):
    """Which folder."""

    path: str = Field(min_length=1, description="folder of clean images, searched at any depth; ~ is the home folder")


class PairsOptions(Options):
    """Which two folders."""

    degraded: str = Field(
        min_length=1, description="folder of degraded images, searched at any depth; ~ is the home folder"
    )
    clean: str = Field(
        min_length=1, description="folder of their clean versions, at the same paths below it, whatever the suffix"
    )


def sample_photos(options: SamplesOptions) -> Sequence[Path]:
    """The embedded photos of one split."""
    return find_images(PHOTOS / options.split)


def folder_images(options: FolderOptions) -> Sequence[Path]:
    """Every image below a folder."""
    return find_images(Path(options.path).expanduser())


def folder_pairs(options: PairsOptions) -> Sequence[ImagePair]:
    """Every image below two folders."""
    return pair_images(Path(options.clean).expanduser(), Path(options.degraded).expanduser())


@hookimpl
def restoreroute_data_sources() -> list[DataSource]:
    return [
        DataSource(
            name="samples",
            summary="photos that ship with restoreroute",
            build=sample_photos,
            options=SamplesOptions,
        ),
        DataSource(
            name="folder",
            summary="a folder of PNG, JPEG, TIFF, WebP or BMP images at any depth",
            build=folder_images,
            options=FolderOptions,
        ),
        DataSource(
            name="pairs",
            summary="two folders of images: degraded ones, and their clean versions under the same names",
            build=folder_pairs,
            options=PairsOptions,
            paired=True,
        ),
    ]
