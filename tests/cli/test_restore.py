"""``restoreroute restore``."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from restoreroute.app.restore_outputs import beside
from restoreroute.imaging.io import read_image, read_picture, write_image
from restoreroute.imaging.metadata import Metadata

Restore = Callable[..., Any]


@pytest.fixture
def restore(command: Callable[..., Any], finished: Any) -> Restore:
    """Runs ``restoreroute restore`` with the finished model."""
    return lambda *arguments: command("restore", "--model", finished.model, *arguments)


@pytest.fixture
def photo(here: Path) -> Path:
    """in.png in the working folder, 9 x 14 pixels."""
    path = here / "in.png"
    write_image(path, np.random.default_rng(0).integers(0, 256, (9, 14, 3), dtype=np.uint8))
    return path


def test_one_photo_to_one_file(restore: Restore, photo: Path, here: Path) -> None:
    done = restore("in.png", "-o", "out.png")

    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(r"in\.png -> out\.png  \(0\.0 MP, [\d.]+ MP/s, shares \d+/\d+ %\)\n", done.out)
    assert read_image(here / "out.png").shape == (36, 56, 3)


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((5, 7), np.uint8), ((1, 1), np.uint16), ((5, 7, 2), np.uint8), ((5, 7, 4), np.uint16)],
    ids=["grey", "16 bit, one pixel", "grey with alpha", "16 bit with alpha"],
)
def test_the_kind_of_image_is_kept(shape: tuple[int, ...], dtype: Any, restore: Restore, here: Path) -> None:
    write_image(here / "in.png", np.full(shape, 99, dtype))

    done = restore("in.png", "-o", "out.png", "--route-map")

    restored = read_image(here / "out.png")
    assert done.code == 0
    assert restored.shape == (shape[0] * 4, shape[1] * 4, *shape[2:])
    assert restored.dtype == dtype
    assert read_image(here / "out.png.route.png").shape == (shape[0] * 4, shape[1] * 4, 3)


def test_folders_are_mirrored(restore: Restore, photo: Path, here: Path) -> None:
    for name in ("a.png", "deep/er/b.TIF", "deep/c.png"):
        path = here / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(path, np.zeros((4, 5, 3), np.uint8))
    (here / "photos" / "notes.txt").write_text("no photo")

    done = restore("photos", "in.png", "-o", "out", "--route-map")

    assert (done.code, done.err) == (0, "")
    found = {path.relative_to(here / "out").as_posix() for path in (here / "out").rglob("*") if path.is_file()}
    results = {"a.png", "deep/er/b.TIF", "deep/c.png", "in.png"}
    assert found == results | {f"{name}.route.png" for name in results}


def test_a_missing_model(command: Callable[..., Any], photo: Path) -> None:
    done = command("restore", "--model", "none.safetensors", "in.png", "-o", "out.png")

    assert done.code == 2
    assert done.error.startswith("none.safetensors: no such model file")


def test_a_file_that_is_no_model(command: Callable[..., Any], photo: Path) -> None:
    done = command("restore", "--model", "in.png", "in.png", "-o", "out.png")

    assert done.code == 2
    assert done.error.startswith("in.png: can't be read as a model file")


def test_a_model_of_a_plugin_that_is_not_active(
    restore: Restore, photo: Path, finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESTOREROUTE_BLOCK", "backbones")

    done = restore("in.png", "-o", "out.png")

    assert done.code == 2
    assert done.error.startswith(f"{finished.model}: ")
    assert "'fsrcnn'" in done.error
    assert "RESTOREROUTE_BLOCK" in done.error


def test_a_missing_input_stops_before_any_work(restore: Restore, photo: Path, here: Path) -> None:
    done = restore("in.png", "none.png", "-o", "out")

    assert done.code == 2
    assert done.error.startswith("none.png: no such file")
    assert not (here / "out").exists()


def test_bad_inputs_do_not_stop_good_ones(restore: Restore, photo: Path, here: Path) -> None:
    (here / "a_text.png").write_text("no image")
    (here / "b_cut.png").write_bytes(photo.read_bytes()[:100])

    done = restore("a_text.png", "b_cut.png", "in.png", "-o", "out")

    assert done.code == 2
    assert [line.split(":")[:2] for line in done.err.splitlines()] == [
        ["error", " a_text.png"],
        ["error", " b_cut.png"],
    ]
    assert done.out.startswith("in.png -> out/in.png")
    assert [path.name for path in (here / "out").iterdir()] == ["in.png"]


def test_files_that_exist_are_kept_unless_forced(restore: Restore, photo: Path, here: Path) -> None:
    (here / "out.png").write_text("precious")

    done = restore("in.png", "-o", "out.png")
    assert done.code == 2
    assert done.error == "out.png: exists already (--force replaces it, --skip-done skips it)"
    assert (here / "out.png").read_text() == "precious"

    assert restore("in.png", "-o", "out.png", "--force").code == 0
    assert read_image(here / "out.png").shape == (36, 56, 3)


def test_a_routing_map_that_exists_is_kept_too(restore: Restore, photo: Path, here: Path) -> None:
    (here / "out.png.route.png").write_text("precious")

    done = restore("in.png", "-o", "out.png", "--route-map")

    assert done.code == 2
    assert "out.png.route.png: exists already" in done.error
    assert not (here / "out.png").exists()


def test_two_inputs_for_one_output_are_refused(restore: Restore, photo: Path, here: Path) -> None:
    (here / "other").mkdir()
    (here / "other" / "in.png").write_bytes(photo.read_bytes())

    done = restore("in.png", "other/in.png", "-o", "out")

    assert done.code == 2
    assert "would be written to out/in.png, as would in.png" in done.error


def test_an_output_format_that_is_not_written(restore: Restore, photo: Path, here: Path) -> None:
    write_image(here / "deep.png", np.zeros((4, 4, 4), np.uint16))

    done = restore("deep.png", "-o", "out.jpg")

    assert done.code == 2
    assert done.error.startswith("out.jpg: ")


def test_an_output_folder_that_can_not_be_made(restore: Restore, photo: Path, here: Path) -> None:
    (here / "out").write_text("in the way")

    done = restore("in.png", "-o", "out/deeper")

    assert done.code == 1
    assert done.error.startswith("out/deeper: can't be made: ")


def test_a_model_without_routing_restores(command: Callable[..., Any], photo: Path, finished: Any, here: Path) -> None:
    baseline = finished.folder / "baseline.safetensors"

    done = command("restore", "--model", baseline, "in.png", "-o", "out.png", "--device", "cpu")

    assert done.code == 0
    assert "shares 100 %)" in done.out


def test_without_a_place_results_go_beside_the_inputs(restore: Restore, photo: Path, here: Path) -> None:
    (here / "photos" / "deep").mkdir(parents=True)
    write_image(here / "photos" / "deep" / "a.tif", np.zeros((4, 5, 3), np.uint8))

    done = restore("in.png", "photos")

    assert (done.code, done.err) == (0, "")
    assert read_image(here / "in-x4.png").shape == (36, 56, 3)
    assert read_image(here / "photos-x4" / "deep" / "a.tif").shape == (16, 20, 3)

    assert restore("in.png").error == "in-x4.png: exists already (--force replaces it, --skip-done skips it)"


def test_what_results_are_called() -> None:
    assert beside(Path("a/photo.JPG"), scale=4) == Path("a/photo-x4.JPG")
    assert beside(Path("photo.jpg"), scale=1) == Path("photo-restored.jpg")
    assert beside(Path("photo.jfif"), scale=2) == Path("photo-x2.png")


def test_a_budget(restore: Restore, photo: Path, here: Path) -> None:
    assert restore("in.png", "-o", "most.png", "--speed", -99).out.endswith(" shares 0/100 %)\n")
    assert restore("in.png", "-o", "least.png", "--speed", 99).out.endswith(" shares 100/0 %)\n")
    restore("in.png", "-o", "trained.png")
    restore("in.png", "-o", "allowed.png", "--budget", 99)
    assert (here / "allowed.png").read_bytes() == (here / "trained.png").read_bytes()

    done = restore("in.png", "-o", "none.png", "--budget", 0.01)
    assert done.code == 2
    assert done.error.startswith("in.png: the cheapest branch alone takes")
    assert not (here / "none.png").exists()

    assert restore("in.png", "-o", "both.png", "--budget", 1, "--speed", 1).code == 2


def test_a_time(
    restore: Restore,
    command: Callable[..., Any],
    finished: Any,
    photo: Path,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "cache"))
    done = restore("in.png", "-o", "unknown.png", "--max-seconds", 60)
    assert (done.code, done.error) == (
        2,
        "in.png: no times are known for this model on this machine (restoreroute calibrate MODEL)",
    )

    measured = command("calibrate", finished.model)
    assert measured.code == 0
    assert Path(measured.out.rsplit(": ", 1)[1].strip()).is_file()

    restore("in.png", "-o", "trained.png")
    assert restore("in.png", "-o", "allowed.png", "--max-seconds", 600).code == 0
    assert (here / "allowed.png").read_bytes() == (here / "trained.png").read_bytes()
    done = restore("in.png", "-o", "none.png", "--max-seconds", 1e-9)
    assert done.code == 2
    assert "the cheapest branch alone takes" in done.error
    assert " seconds" in done.error
    assert restore("in.png", "-o", "both.png", "--budget", 1, "--max-seconds", 1).code == 2


def test_what_is_done_is_skipped(restore: Restore, photo: Path, here: Path) -> None:
    for name in ("a.png", "b.png"):
        (here / "photos").mkdir(exist_ok=True)
        (here / "photos" / name).write_bytes(photo.read_bytes())
    assert restore("photos/a.png", "-o", "photos-x4").code == 0
    first = (here / "photos-x4" / "a.png").stat().st_mtime_ns

    done = restore("photos", "--skip-done")

    assert done.code == 0
    assert "1 restored, 1 skipped" in done.out
    assert (here / "photos-x4" / "a.png").stat().st_mtime_ns == first
    assert (here / "photos-x4" / "b.png").exists()
    assert restore("photos", "--skip-done", "--force").code == 2


def test_a_pattern(restore: Restore, photo: Path, here: Path) -> None:
    (here / "other.png").write_bytes(photo.read_bytes())

    done = restore("*.png", "-o", "out")

    assert done.code == 0
    assert sorted(path.name for path in (here / "out").iterdir()) == ["in.png", "other.png"]
    assert restore("*.gif", "-o", "out").error.startswith("*.gif: no such file")


def test_what_a_file_says_goes_along(restore: Restore, photo: Path, here: Path) -> None:
    write_image(here / "in.png", read_image(photo), Metadata(dpi=(300, 300)))

    assert restore("in.png", "-o", "out.jpg").code == 0

    assert read_picture(here / "out.jpg").metadata.dpi == (300, 300)


def test_tiff_by_tiles_is_what_it_is_as_a_whole(restore: Restore, here: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (70, 45, 3), dtype=np.uint8)
    tifffile.imwrite(here / "in.tif", image, photometric="rgb", rowsperstrip=8, resolution=(200, 200))

    assert restore("in.tif", "-o", "out.tif").code == 0
    assert restore("in.tif", "-o", "out.png").code == 0

    assert np.array_equal(read_image(here / "out.tif"), read_image(here / "out.png"))
    assert read_picture(here / "out.tif").metadata.dpi == (200, 200)
    with tifffile.TiffFile(here / "out.tif") as file:
        assert file.pages.first.is_tiled


def test_a_result_that_does_not_fit_is_refused_before_any_work(
    restore: Restore, photo: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("restoreroute.app.restore.free_memory", lambda: 2**28)

    done = restore("in.png", "-o", "out.png")

    assert done.code == 2
    assert "in.png: a result of 56 x 36 needs some 0.5 GiB of memory, 0.2 GiB are free" in done.error
    assert restore("in.png", "-o", "out.tif").code == 0


def test_an_unknown_model_is_named_with_the_nearest(command: Callable[..., Any], photo: Path) -> None:
    done = command("restore", "--model", "sr-fsrcn-x4", "in.png")

    assert done.code == 2
    assert "sr-fsrcnn-x4" in done.error


def test_a_damaged_tiff_stops_nobody_else(restore: Restore, photo: Path, here: Path) -> None:
    """Its header is sound, so that it is read strip by strip."""
    image = np.random.default_rng(0).integers(0, 256, (70, 45, 3), dtype=np.uint8)
    tifffile.imwrite(here / "a.tif", image, photometric="rgb", rowsperstrip=8, compression="zlib")
    data = bytearray((here / "a.tif").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 200] = b"\xff" * 200
    (here / "a.tif").write_bytes(data)
    tifffile.imwrite(here / "b.tif", image, photometric="rgb", rowsperstrip=8, metadata=None)
    with tifffile.TiffFile(here / "b.tif") as file:
        end = int(file.pages.first.dataoffsets[-1])
    (here / "b.tif").write_bytes((here / "b.tif").read_bytes()[: end + 10])

    done = restore("a.tif", "b.tif", "in.png", "-o", "out")

    assert done.code == 2
    assert [line.split(":")[1:3] for line in done.err.splitlines()] == [
        [" a.tif", " the TIFF data are damaged or cut off"],
        [" b.tif", " the TIFF data are damaged or cut off"],
    ]
    assert [path.name for path in (here / "out").iterdir()] == ["in.png"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of pipes that the package leaves open
def test_a_video(restore: Restore, here: Path) -> None:
    video = pytest.importorskip("restoreroute.imaging.video")
    package = pytest.importorskip("imageio_ffmpeg")
    writer = package.write_frames("in.mp4", (14, 10), fps=10, macro_block_size=1, ffmpeg_log_level="error")
    writer.send(None)
    for frame in np.random.default_rng(0).integers(0, 256, (3, 10, 14, 3), dtype=np.uint8):
        writer.send(frame)
    writer.close()

    done = restore("in.mp4")

    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(r"in\.mp4 -> in-x4\.mp4  \(0\.0 MP, [\d.]+ MP/s, shares \d+/\d+ %\)\n", done.out)
    with video.VideoReader(here / "in-x4.mp4") as restored:
        assert [frame.shape for frame in restored] == [(40, 56, 3)] * 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["-o", "out.png"], "a video is written to a video file"), (["--route-map"], "routing maps are of images")],
)
def test_what_a_video_can_not_become(arguments: list[str], said: str, restore: Restore, here: Path) -> None:
    (here / "in.mp4").write_bytes(b"whatever")

    done = restore("in.mp4", *arguments)

    assert done.code == 2
    assert said in done.err
