"""A short slice of `make fuzz`, with its own seed: every kind, a few cases each."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_damaged_inputs_end_in_clean_errors_and_nothing_else():
    ended = subprocess.run(
        [sys.executable, "-m", "fuzz", "--cases", "20", "--seed", "2"], cwd=ROOT, capture_output=True, text=True, timeout=280
    )
    lines = [line for line in ended.stdout.splitlines() if line.startswith("| ") and not line.startswith("| kind")]
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(lines) == 11
    assert all(" | 20 | " in line for line in lines)
