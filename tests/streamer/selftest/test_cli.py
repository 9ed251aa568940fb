import json
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from ahmsa.errors import DataError, SourceError, UsageError
from ahmsa.synth import Disturbance, clip_of
from ahmsa.synth.clip import write_video
from configs.schema import SourceSettings
from streamer.acquire.sources import SourceSpec, open_source
from streamer.acquire.video_file import turned_deg
from streamer.commands.spot import app


def call(*arguments):
    return CliRunner().invoke(app, ["selftest", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    video = tmp_path_factory.mktemp("video") / "calm.mp4"
    write_video(clip_of(duration_s=4.5, seed=3), video)
    return video


def write_sideways(picture, video):
    """A video as phones write it: the pictures lie on their side, and the track header asks for a quarter turn."""
    lying = cv2.rotate(picture, cv2.ROTATE_90_COUNTERCLOCKWISE)
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"mp4v"), 30, lying.shape[1::-1])
    for _ in range(5):
        writer.write(lying)
    writer.release()
    data = bytearray(video.read_bytes())
    start = data.index(b"tkhd") + 4
    matrix = start + (52 if data[start] else 40)
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
    video.write_bytes(data)


def test_a_video_gives_tables_figures_and_a_plot_and_one_that_fails_does_not_stop_the_others(calm, tmp_path):
    empty = tmp_path / "away.mp4"
    write_video(clip_of(nuisances=[Disturbance("away", 1, 3000)], duration_s=2.2), empty)
    result = call("--video", calm, empty, "--rounds", 1, "--json", tmp_path / "out.json", "--plot", tmp_path / "out.png")
    assert "Injected movements found" in result.output
    assert "not measured: away: " in result.output
    said = json.loads((tmp_path / "out.json").read_text())
    assert said["summary"]["movements"] == said["recordings"][0]["recall"][-1]["of"] > 0
    assert said["summary"]["remarks"] == []
    assert said["advice"]
    assert (tmp_path / "out.png").stat().st_size > 5_000


def test_a_video_turned_by_its_metadata_comes_upright(calm, tmp_path):
    picture = clip_of().frame(0).image
    phone = SourceSpec("video", str(tmp_path / "phone.mp4"))
    write_sideways(picture, Path(phone.where))
    assert turned_deg(Path(phone.where)) in (90, 270)
    assert turned_deg(calm) == 0
    with open_source(phone, SourceSettings(), as_fast_as_possible=True) as source:
        assert np.abs(next(iter(source)).image.astype(int) - picture).mean() < 6


def test_a_single_video_that_cannot_be_measured_is_an_error_of_one_sentence(tmp_path):
    short = tmp_path / "short.mp4"
    write_video(clip_of(duration_s=0.8), short)
    with pytest.raises(DataError, match=r"short: it lasts 0\.8 s"):
        call("--video", short)
    with pytest.raises(SourceError, match="there is no video file"):
        call("--video", tmp_path / "missing.mp4")


@pytest.mark.parametrize("arguments", [(), ("--demo", "--camera", 0), ("--demo", "--keep", "x")])
def test_what_cannot_be_is_a_usage_error(arguments):
    with pytest.raises(UsageError):
        call(*arguments)


def test_run_says_what_is_unusual_about_its_source(tmp_path):
    short = tmp_path / "short.mp4"
    write_video(clip_of(duration_s=0.8), short)
    result = CliRunner().invoke(app, ["run", str(short), "--out", str(tmp_path / "s.csv")], catch_exceptions=False)
    assert "short: it lasts 0.8 s" in result.output
