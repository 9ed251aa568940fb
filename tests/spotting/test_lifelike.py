"""What people do in front of a camera beside what is looked for: each alone, and with a movement beside it."""

import pytest

from ahmsa.synth import PEOPLE, Disturbance, event

NUISANCES = {
    "gaze": [(2600, 3200), (3700, 4100), (4600, 5600)],
    "swallowing": [(3000, 3800)],
    "chewing": [(2500, 6000)],
    "glasses": [(0, 6000)],
    "hair_strand": [(0, 6000)],
    "hand": [(2800, 5000)],
    "cut": [(3000, 4500)],
    "lively_talking": [(2500, 6000)],
    "turning": [(0, 6000)],
}


def disturbed(kind, intensity=1.0):
    return [Disturbance(kind, start, end, intensity) for start, end in NUISANCES[kind]]


def apexes_ms(story):
    return [candidate.apex_t_ns / 1e6 for candidate in story.confirmed]


KNOWN_WEAKNESSES = {"swallowing": 1, "hair_strand": 3, "hand": 2}
"""Nuisance -> how often it is taken for a micro-expression in its six seconds: lower it when the spotter has learnt better."""


@pytest.mark.parametrize("kind", [kind for kind in NUISANCES if kind not in KNOWN_WEAKNESSES])
def test_what_is_no_micro_expression_is_not_confirmed(watch, kind):
    assert apexes_ms(watch(nuisances=disturbed(kind))) == []


@pytest.mark.parametrize("kind", KNOWN_WEAKNESSES)
def test_what_is_sometimes_taken_for_one_is_no_more_often_than_is_known(watch, kind):
    assert len(apexes_ms(watch(nuisances=disturbed(kind)))) <= KNOWN_WEAKNESSES[kind]


@pytest.mark.parametrize("kind", ["gaze", "glasses", "turning"])
def test_a_movement_is_found_beside_it(watch, kind):
    story = watch([event("positive", 4.2, 2.5)], disturbed(kind))
    assert apexes_ms(story) == [pytest.approx(4365, abs=80)]


@pytest.mark.parametrize("kind", ["hand", "cut"])
def test_the_face_is_watched_again_after_it(watch, kind):
    story = watch([event("surprise", 6.5, 2.0)], disturbed(kind), duration_s=7.5)
    assert apexes_ms(story)[-1:] == [pytest.approx(6665, abs=80)]


@pytest.mark.parametrize("person", range(len(PEOPLE)))
def test_it_does_not_matter_whose_face_it_is(watch, person):
    story = watch([event("surprise", 3.5, 1.5), event("positive", 5.0, 1.5)], duration_s=6.0, person=person)
    assert apexes_ms(story) == [pytest.approx(3665, abs=60), pytest.approx(5165, abs=60)]


@pytest.mark.parametrize("speed_px_s", [5])
def test_a_brow_that_rises_while_the_head_turns_is_found(watch, speed_px_s):
    story = watch([event("surprise", 4.0, 2.5)], disturbed("turning", speed_px_s / 10))
    assert apexes_ms(story) == [pytest.approx(4165, abs=80)]
