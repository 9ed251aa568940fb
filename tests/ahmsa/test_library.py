"""The library as one imports it.

Covers ahmsa.model.pair, ahmsa.shadows, streamer.offline.library.
"""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import ahmsa
from ahmsa.errors import DataError
from ahmsa.synth import clip_of, event
from ahmsa.synth.drawing.render import Renderer
from ahmsa.synth.scenario.performance import Moment, Performance

ROOT = Path(__file__).parent.parent.parent


def python(code, cwd):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, env={"PYTHONPATH": f".:{ROOT}"}
    )


def test_importing_it_loads_nothing_heavy(tmp_path):
    heavy = ("torch", "cv2", "numpy", "zmq", "msgspec", "typer", "ai_edge_litert")
    code = f"import sys, ahmsa; dir(ahmsa); print([name for name in {heavy} if name in sys.modules])"
    assert python(code, tmp_path).stdout.strip() == "[]"


def test_it_has_its_names_and_no_others():
    assert {"analyse", "watch", "recognise", "stream", "load_session"} <= set(dir(ahmsa))
    assert ahmsa.__version__
    with pytest.raises(AttributeError, match="no attribute 'analyze'"):
        ahmsa.analyze  # noqa: B018


@pytest.mark.parametrize("shadow", ["streamer.py", "configs/__init__.py"])
def test_a_users_own_file_of_our_name_is_named(tmp_path, shadow):
    (tmp_path / shadow).parent.mkdir(exist_ok=True)
    (tmp_path / shadow).write_text("")
    told = python("import ahmsa; ahmsa.stream", tmp_path).stderr
    assert "ImportError" in told
    assert f"{shadow} stands before ahmsa's own package {Path(shadow).parts[0].removesuffix('.py')}: rename it" in told


@pytest.fixture(scope="module")
def pair():
    """Pictures of a face at rest, and at the apex of a smile."""
    moment = Performance(clip_of([event("positive", 1.0, 2.5)], seed=3).script).at(1165.0)
    renderer = Renderer(grey=False, box=(0, 0, 640, 480))
    return renderer.picture(Moment()).copy(), renderer.picture(Moment(motions=moment.motions)).copy()


def test_two_pictures_give_an_emotion(pair, tmp_path):
    emotion = ahmsa.recognise(*pair)
    assert emotion.label == "positive"
    assert sum(emotion.probabilities.values()) == pytest.approx(1)
    for name, picture in zip(("onset.png", "apex.png"), pair, strict=True):
        cv2.imwrite(str(tmp_path / name), picture)
    assert ahmsa.recognise(tmp_path / "onset.png", str(tmp_path / "apex.png")) == emotion


def test_pictures_that_cannot_be_a_pair_are_refused(pair):
    with pytest.raises(DataError, match="differ in size"):
        ahmsa.recognise(pair[0], pair[1][:400])
    with pytest.raises(DataError, match="no face"):
        ahmsa.recognise(np.zeros_like(pair[0]), pair[1])


def test_a_video_becomes_a_session_with_rows(tmp_path):
    clip = clip_of([event("positive", 2.6, 2.5)], duration_s=3.5, seed=3)
    writer = cv2.VideoWriter(str(tmp_path / "talk.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 30, (640, 480))
    for frame in clip:
        writer.write(frame.image)
    writer.release()
    session = ahmsa.analyse(tmp_path / "talk.avi", out=tmp_path / "kept")
    [found] = session.confirmed
    [true] = clip.truth
    assert found.apex_s == pytest.approx(true.apex_ms / 1e3, abs=0.15)
    assert found.onset_frame < found.apex_frame
    assert found.onset_s < found.apex_s < found.offset_s
    assert (found.label, found.reason, found.abstained) == ("positive", None, None)
    [row] = [row for row in session.to_rows() if row["state"] == "confirmed"]
    assert (row["label"], row["apex_s"]) == (found.label, found.apex_s)
    assert ahmsa.load_session(tmp_path / "kept").to_rows() == session.to_rows()
