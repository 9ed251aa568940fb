"""A checkpoint file is looked at without torch, and what is wrong with its head is said at once."""

import subprocess
import sys

import msgspec
import numpy as np
import pytest
from safetensors.numpy import save_file

from ahmsa.errors import CheckpointError
from ahmsa.model.checkpoint import Checkpoint, shipped
from ahmsa.model.header import KEY, header_of, read_header


def test_the_header_of_the_shipped_file_is_that_of_its_networks():
    header, whole = read_header(shipped()), Checkpoint.load(shipped())
    assert (header.members, header.crop_px, header.net) == (len(whole.members), whole.crop_px, whole.net)
    assert tuple(header.labels) == whole.labels


def test_no_torch_is_loaded_for_it():
    code = "import sys; from pathlib import Path; from ahmsa.model.header import read_header; read_header(Path(sys.argv[1])); "
    code += "print('torch' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code, str(shipped())], capture_output=True, text=True, timeout=60)
    assert shown.stdout.strip() == "False", shown.stderr


def test_a_file_that_is_cut_off_is_a_sentence(tmp_path):
    path = tmp_path / "cut.safetensors"
    path.write_bytes(shipped().read_bytes()[:100_000])
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_header(path)


def test_a_file_of_another_program_is_a_sentence(tmp_path):
    save_file({"weight": np.zeros(3, np.float32)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="is no ahmsa-checkpoint-1 file"):
        read_header(tmp_path / "other.safetensors")


def test_a_header_of_absurd_size_is_a_sentence():
    longer = msgspec.structs.replace(read_header(shipped()), card={"remarks": ["x" * 1000] * 1100})
    with pytest.raises(CheckpointError, match="bytes, and 1048576 are allowed"):
        header_of(shipped(), {KEY: msgspec.json.encode(longer).decode()})


def test_a_file_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        read_header(tmp_path / "none.safetensors")
