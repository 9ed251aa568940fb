"""Every example runs as it stands and finds the movement of its generated clip."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("own_source", ": positive {"),
        ("own_detector", "1 movements"),
        ("own_spotter", "the lower face changed at 2."),
        ("own_recogniser", "in the lower half of the face"),
    ],
)
def test_an_example_does_what_it_says(name, says, capsys):
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    assert says in capsys.readouterr().out


def test_every_example_is_tried():
    tried_elsewhere = {"own_model"}  # tests/train/models/test_registry.py
    tried_here = {"own_source", "own_detector", "own_spotter", "own_recogniser"}
    assert {path.stem for path in EXAMPLES.glob("*.py")} - tried_elsewhere == tried_here
