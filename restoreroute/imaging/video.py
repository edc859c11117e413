"""Video files, frame by frame, with their sound.  They need the package imageio-ffmpeg, which brings ffmpeg along."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restoreroute.errors import InputError, OutputError
from restoreroute.imaging.atomic import replacing

VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".avi", ".webm"})
CODECS = {".webm": "libvpx-vp9"}
"""What frames are coded with in containers that do not take H.264."""
STARTS_EARLY = frozenset({".mp4", ".m4v", ".mov"})
"""Containers whose index can lie at the front, so that players need not have all of the file."""
QUALITY = ["-crf", "16"]
"""No difference to be seen at normal distance; both codecs take the option."""
COLORS = [
    "-vf",
    "scale=out_color_matrix=bt709:out_range=tv,"
    "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv",
]
"""How RGB becomes what is stored, and the marks that let players turn it back."""

Frame = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class VideoFacts:
    """What a video file says of itself.

    Attributes:
        height: of a frame that stands upright, in pixels.
        width: of a frame.
        rate: frames per second; frames of varying length are doubled or left out to keep it.
        frames: how many there are, as near as the file tells.
        sound: whether there is an audio stream.
    """

    height: int
    width: int
    rate: float
    frames: int
    sound: bool


class VideoReader:
    """The frames of a video file, from first to last.  Use it as a context manager.

    Raises:
        InputError: where the package is missing, or the file is no video that can be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._package = _ffmpeg(path)
        self._frames: Any = None

    def __enter__(self) -> VideoReader:
        try:
            counted, _ = self._package.count_frames_and_secs(str(self.path))
            self._frames = self._package.read_frames(str(self.path))
            said = next(self._frames)
            width, height = said["size"]
        except (OSError, RuntimeError, KeyError, StopIteration) as error:
            raise self._unreadable(error) from error
        self.facts = VideoFacts(
            height=height, width=width, rate=said["fps"], frames=counted, sound="audio_codec" in said
        )
        return self

    def __exit__(self, *error: object) -> None:
        self._frames.close()

    def __iter__(self) -> Iterator[Frame]:
        """Frames, H x W x 3 of 8 bit.

        Raises:
            InputError: where the data are damaged or cut off.
        """
        try:
            for frame in self._frames:
                yield np.frombuffer(frame, dtype=np.uint8).reshape(self.facts.height, self.facts.width, 3)
        except RuntimeError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> InputError:
        lines = str(error).strip().splitlines()
        return InputError(
            f"is not a video that can be read: {lines[-1] if lines else type(error).__name__}",
            where=str(self.path),
            hint="play it to see whether it is whole",
        )


def write_video(path: Path, frames: Iterable[Frame], *, like: VideoReader) -> None:
    """Write a video with the rate and the sound of another one, all or nothing.

    Frames are H.264 (VP9 in WebM) of 8 bit in the colours of BT.709.  Sound is copied bit by bit into a container of
    the same kind, and coded anew for another one.

    Args:
        frames: H x W x 3 of 8 bit, all of one size, at least one.

    Raises:
        OutputError: disk full, no permission, no such folder; a file that was there is as it was.
    """
    package = _ffmpeg(path)
    stopped = OutputError("the encoder stopped early", where=str(path), hint="see its message above; is the disk full?")
    with replacing(path) as temporary:
        temporary.touch()  # what forbids to write is said here, in the system's words
        try:
            written = _encode(package, temporary, frames, like)
        except _EncoderStoppedError as error:
            raise stopped from error
        if written == 0:
            raise InputError("holds no frame", where=str(like.path), hint="play it to see whether it is whole")
        if _frames_in(temporary, package) != written:  # an encoder that fails at its end does not say so
            raise stopped


class _EncoderStoppedError(Exception):
    """ffmpeg takes no more frames."""


def _encode(package: ModuleType, path: Path, frames: Iterable[Frame], like: VideoReader) -> int:
    """Fill a file; gives the number of frames that were sent."""
    encoder: Any = None
    written = 0
    try:
        for frame in frames:
            if encoder is None:
                encoder = _encoder(package, path, frame, like)
            try:
                encoder.send(np.ascontiguousarray(frame))
            except OSError as error:
                raise _EncoderStoppedError from error
            written += 1
    finally:
        if encoder is not None:
            encoder.close()
    return written


def _encoder(package: ModuleType, path: Path, frame: Frame, like: VideoReader) -> Any:
    """What takes frames of the size of this one."""
    height, width = frame.shape[:2]
    suffix = path.suffix.lower()
    encoder = package.write_frames(
        str(path),
        (width, height),
        fps=like.facts.rate,
        quality=None,
        codec=CODECS.get(suffix, "libx264"),
        pix_fmt_out="yuv444p" if height % 2 or width % 2 else "yuv420p",
        macro_block_size=1,  # larger ones would stretch frames
        ffmpeg_log_level="error",
        output_params=[*QUALITY, *COLORS, *(["-movflags", "+faststart"] if suffix in STARTS_EARLY else [])],
        audio_path=str(like.path) if like.facts.sound else None,
        audio_codec="copy" if suffix == like.path.suffix.lower() else None,
    )
    encoder.send(None)
    return encoder


def _frames_in(path: Path, package: ModuleType) -> int:
    try:
        return int(package.count_frames_and_secs(str(path))[0])
    except RuntimeError:
        return 0


def _ffmpeg(path: Path) -> ModuleType:
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise InputError(
            f"video needs the package {error.name}", where=str(path), hint="pip install 'restoreroute[video]'"
        ) from None
    logging.getLogger("imageio_ffmpeg").setLevel(logging.ERROR)  # it warns of every video that was filmed upright
    module: ModuleType = imageio_ffmpeg
    return module
