"""Where the face models come from. The wheel here is built from the models at hand; pip takes it from a folder."""

import zipfile

import pytest

from ahmsa.errors import ModelError
from ahmsa.face import models
from ahmsa.face.models import DETECTOR, LANDMARKS, are_here, fetch, fetch_if_missing, model_file

NAMES = {DETECTOR: f"mediapipe/modules/face_detection/{DETECTOR}", LANDMARKS: f"mediapipe/modules/face_landmark/{LANDMARKS}"}


@pytest.fixture(scope="module")
def contents():
    return {name: model_file(name).read_bytes() for name in NAMES}


@pytest.fixture
def empty_cache(contents, tmp_path, monkeypatch):
    monkeypatch.delenv("AHMSA_MODELS", raising=False)
    monkeypatch.setattr(models, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """The only folder that pip may take wheels from."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.delenv("PIP_CONSTRAINT", raising=False)
    return folder


def put_wheel(shelf, contents):
    info = "mediapipe-0.10.21.dist-info"
    with zipfile.ZipFile(shelf / "mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.21\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: cp311-cp311-manylinux_2_28_x86_64\n")
        wheel.writestr(f"{info}/LICENSE", "Apache License")
        wheel.writestr(f"{info}/RECORD", "")
        for name, content in contents.items():
            wheel.writestr(NAMES[name], content)


def test_the_first_use_fetches_both_with_their_licence_and_the_next_uses_the_cache(empty_cache, shelf, contents):
    put_wheel(shelf, contents)
    said = []
    assert not are_here()
    fetch_if_missing(said.append)
    assert len(said) == 1
    fetch_if_missing(said.append)
    assert len(said) == 1
    assert model_file(LANDMARKS).read_bytes() == contents[LANDMARKS]
    assert sorted(path.name for path in empty_cache.iterdir()) == ["LICENSE", "NOTICE", DETECTOR, LANDMARKS]
    assert "Apache License, Version 2.0" in (empty_cache / "NOTICE").read_text()
    for wheel in shelf.iterdir():
        wheel.unlink()
    assert are_here()
    assert model_file(DETECTOR).read_bytes() == contents[DETECTOR]


def test_without_a_network_one_sentence_says_both_ways_out(empty_cache, shelf):
    with pytest.raises(ModelError, match=r"pip cannot download .*: connect to the network, or name in AHMSA_MODELS a folder"):
        model_file(DETECTOR)
    assert not empty_cache.exists()


def test_a_wheel_with_another_model_is_refused_and_nothing_is_kept(empty_cache, shelf, contents):
    put_wheel(shelf, {**contents, LANDMARKS: b"something else"})
    with pytest.raises(ModelError, match="is not the one ahmsa was made for"):
        model_file(DETECTOR)
    assert not empty_cache.exists()


def test_a_damaged_file_in_the_cache_is_fetched_again(empty_cache, shelf, contents):
    put_wheel(shelf, contents)
    empty_cache.mkdir()
    (empty_cache / DETECTOR).write_bytes(contents[DETECTOR][:-1])
    assert model_file(DETECTOR).read_bytes() == contents[DETECTOR]


def test_a_folder_of_ones_own_comes_first_and_is_never_written_to(empty_cache, shelf, contents, tmp_path, monkeypatch):
    put_wheel(shelf, contents)
    own = tmp_path / "own"
    monkeypatch.setenv("AHMSA_MODELS", str(own))
    with pytest.raises(ModelError, match="is missing; unset AHMSA_MODELS, or fill"):
        model_file(DETECTOR)
    fetch(own)
    assert model_file(DETECTOR) == own / DETECTOR
    (own / DETECTOR).write_bytes(b"another")
    with pytest.raises(ModelError, match="is not the file that ahmsa was made for"):
        model_file(DETECTOR)
    assert (own / DETECTOR).read_bytes() == b"another"
