"""Videos are read frame by frame and written with the rate and the sound of another one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from restoreroute.errors import InputError, OutputError
from restoreroute.imaging.video import Frame, VideoReader, write_video

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")

pytestmark = pytest.mark.filterwarnings(  # the package leaves pipes to ffmpeg to be closed by the collector
    "ignore::pytest.PytestUnraisableExceptionWarning"
)
SIZE = (48, 64)


def ffmpeg(*arguments: str | Path) -> bytes:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of a moving picture with sound."""
    path = tmp_path_factory.mktemp("video") / "in.mp4"
    picture = f"testsrc2=size={SIZE[1]}x{SIZE[0]}:rate=30000/1001:duration=0.5"
    sound = "sine=frequency=440:duration=0.5"
    ffmpeg("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, path)
    return path


def frames_of(path: Path) -> list[Frame]:
    with VideoReader(path) as video:
        return list(video)


def sound_of(path: Path) -> bytes:
    return ffmpeg("-i", path, "-map", "0:a", "-c", "copy", "-f", "md5", "-")


def test_what_a_file_says(filmed: Path) -> None:
    with VideoReader(filmed) as video:
        frames = list(video)

    assert (video.facts.height, video.facts.width) == SIZE
    assert video.facts.rate == pytest.approx(30000 / 1001, abs=0.01)
    assert video.facts.frames == len(frames) == 15
    assert video.facts.sound
    assert {frame.shape for frame in frames} == {(*SIZE, 3)}


@pytest.mark.parametrize("side", [2, 3], ids=["even", "odd"])
def test_frames_and_sound_come_back(side: int, filmed: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    ramp = np.linspace(20, 230, 45, dtype=np.uint8)
    flat = [np.full((16 * side + side, 20 * side + side, 3), [40 + 10 * n, 90, 200], np.uint8) for n in range(15)]
    flat[0][:, : len(ramp), 0] = ramp[: flat[0].shape[1]]
    with VideoReader(filmed) as video:
        write_video(target, flat, like=video)

    frames = frames_of(target)
    with VideoReader(target) as video:
        assert video.facts.rate == pytest.approx(30000 / 1001, abs=0.01)
    assert [frame.shape for frame in frames] == [frame.shape for frame in flat]
    for frame, sent in zip(frames[1:], flat[1:], strict=True):  # colours survive the way to YUV and back
        assert np.abs(frame.astype(int) - sent).max() <= 3
    assert sound_of(target) == sound_of(filmed)


@pytest.mark.parametrize("suffix", [".webm", ".mkv", ".mov"])
def test_other_containers(suffix: str, filmed: Path, tmp_path: Path) -> None:
    target = tmp_path / f"out{suffix}"
    frames = frames_of(filmed)
    with VideoReader(filmed) as video:
        write_video(target, frames, like=video)

    with VideoReader(target) as video:
        assert video.facts.sound
        assert len(list(video)) == len(frames)


def test_a_video_filmed_upright_stands_upright(filmed: Path, tmp_path: Path) -> None:
    turned = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", "90", "-i", filmed, "-c", "copy", turned)

    assert frames_of(turned)[0].shape == (SIZE[1], SIZE[0], 3)


def test_no_sound_where_there_was_none(filmed: Path, tmp_path: Path) -> None:
    mute, target = tmp_path / "mute.mp4", tmp_path / "out.mp4"
    ffmpeg("-i", filmed, "-an", "-c", "copy", mute)
    with VideoReader(mute) as video:
        write_video(target, video, like=video)

    with VideoReader(target) as video:
        assert not video.facts.sound


def test_what_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "no.mp4"
    path.write_bytes(b"hello")
    with pytest.raises(InputError, match=r"no\.mp4: is not a video that can be read: .*Invalid data"):
        frames_of(path)


def test_a_failure_leaves_the_old_file(filmed: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    target.write_bytes(b"old")

    def failing() -> object:
        yield np.zeros((*SIZE, 3), np.uint8)
        raise RuntimeError("in the middle")

    with VideoReader(filmed) as video, pytest.raises(RuntimeError, match="in the middle"):
        write_video(target, failing(), like=video)

    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_encoder_that_loses_frames_is_noticed(filmed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = imageio_ffmpeg.count_frames_and_secs
    with VideoReader(filmed) as video:
        monkeypatch.setattr(imageio_ffmpeg, "count_frames_and_secs", lambda path: (counted(path)[0] - 1, 0.5))
        with pytest.raises(OutputError, match="the encoder stopped early"):
            write_video(tmp_path / "out.mp4", video, like=video)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(filmed: Path, tmp_path: Path) -> None:
    with VideoReader(filmed) as video, pytest.raises(OutputError, match="No such file or directory"):
        write_video(tmp_path / "none" / "out.mp4", video, like=video)


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(InputError, match=r"needs the package imageio_ffmpeg.*restoreroute\[video\]"):
        VideoReader(tmp_path / "in.mp4")
