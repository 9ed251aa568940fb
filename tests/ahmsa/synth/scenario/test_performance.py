import pytest

from ahmsa.synth import clip_of, event
from ahmsa.synth.scenario.performance import Performance


def test_the_face_is_at_rest_outside_its_events():
    performance = Performance(clip_of([event("positive", 1.0)]).script)
    assert performance.at(999.0).motions == []
    assert performance.at(1165.0).motions[0][1] == pytest.approx(2.0)
    assert performance.at(1381.0).motions == []
