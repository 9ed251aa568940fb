"""Covers ahmsa.synth.drawing.accessories, ahmsa.synth.drawing.people, ahmsa.synth.scenario.performers."""

import numpy as np
import pytest

from ahmsa.face.geometry import mesh_points
from ahmsa.face.landmarks import FaceMesh
from ahmsa.synth import LIFELIKE, NUISANCES, Disturbance, Scenario, SyntheticFaces, clip_of, script_of
from ahmsa.synth.drawing.people import PEOPLE
from ahmsa.synth.drawing.render import WHOLE_PICTURE, Renderer
from ahmsa.synth.scenario.performance import Performance

NEW = ("turning", "lively_talking", "gaze", "swallowing", "chewing", "glasses", "hair_strand", "hand", "cut")
PLACES = {
    "brows": (slice(140, 180), slice(230, 420)),
    "eyes": (slice(172, 195), slice(240, 410)),
    "mouth": (slice(245, 290), slice(265, 385)),
}
"""Rows and columns of the picture."""


def changed(kind, t_s=2.5, start_s=1.0, end_s=4.0):
    """Mean absolute change of the picture by a nuisance, grey levels, by place."""
    still = clip_of(noise_levels=0.0, duration_s=5.0).frame(round(t_s * 30)).image.astype(int)
    nuisance = Disturbance(kind, start_s * 1000, end_s * 1000)
    shown = clip_of(nuisances=[nuisance], noise_levels=0.0, duration_s=5.0).frame(round(t_s * 30)).image
    return {name: float(np.abs(shown - still)[place].mean()) for name, place in PLACES.items()}


@pytest.mark.parametrize(
    ("kind", "moves", "leaves"),
    [
        ("gaze", "eyes", "mouth"),
        ("glasses", "eyes", "mouth"),
        ("hair_strand", "brows", "mouth"),
        ("hand", "mouth", "eyes"),
        ("chewing", "mouth", "eyes"),
        ("swallowing", "mouth", "eyes"),
    ],
)
def test_each_nuisance_is_where_it_belongs(kind, moves, leaves):
    by_place = changed(kind)
    assert by_place[moves] > 0.5
    assert by_place[moves] > 5 * by_place[leaves]


def test_who_talks_with_the_whole_head_raises_the_brows_slower_than_a_micro_expression():
    nuisance = Disturbance("lively_talking", 0, 12_000)
    performance = Performance(clip_of(nuisances=[nuisance], duration_s=12.0).script)
    raised = np.array([sum(a for m, a in performance.at(t).motions if m.pulls[:, 1].max() < 40) for t in range(0, 12_000, 20)])
    assert 1.0 < raised.max() < 2.6
    up = np.flatnonzero(np.diff((raised > 0.1).astype(int)) == 1)
    down = np.flatnonzero(np.diff((raised > 0.1).astype(int)) == -1)
    lengths_ms = [20 * (down[down > start].min() - start) for start in up if (down > start).any()]
    assert len(lengths_ms) > 3
    assert min(lengths_ms) > 500


def test_a_cut_shows_another_person_and_comes_back():
    clip = clip_of(nuisances=[Disturbance("cut", 1000, 2000)], duration_s=3.0, noise_levels=0.0)
    before, there, after = (clip.frame(n).image.astype(int) for n in (25, 45, 70))
    assert np.array_equal(before, after)
    assert np.abs(there - before)[PLACES["mouth"]].mean() > 20


def test_glasses_stay_while_the_brows_rise():
    renderer = Renderer(grey=True, box=WHOLE_PICTURE)
    nuisances = [Disturbance("glasses", 0, 5000), Disturbance("lively_talking", 0, 5000)]
    script = clip_of(nuisances=nuisances, duration_s=5.0).script
    moment = Performance(script).at(500)
    moment.motions = [(motion, amplitude * 3) for motion, amplitude in moment.motions]
    moment.lip_gap_px = 0.0
    with_brows = renderer.picture(moment)
    moment.motions = []
    without = renderer.picture(moment)
    dark = np.minimum(with_brows, without) < 45
    rim = dark[PLACES["eyes"]]
    assert rim.sum() > 100
    both = (with_brows < 60)[PLACES["eyes"]] == (without < 60)[PLACES["eyes"]]
    assert both[rim].mean() > 0.9


@pytest.mark.parametrize("person", range(len(PEOPLE)))
@pytest.mark.parametrize("kind", ["turning", "glasses"])
def test_the_detector_finds_every_person_where_the_generator_says(person, kind):
    clip = clip_of(nuisances=[Disturbance(kind, 0, 4000, 1.5)], duration_s=4.0, person=person)
    renderer, performance = Renderer(grey=False, box=WHOLE_PICTURE, person=person), Performance(clip.script)
    with FaceMesh(static=True) as mesh:
        for number in (45, 75):
            [found] = mesh.detect(clip.frame(number).image)
            known = renderer.landmarks(performance.at(number * 1000 / 30))
            apart = np.linalg.norm(mesh_points(found[:, :2]) - mesh_points(known[:, :2]), axis=1)
            assert apart.max() < 12


def test_faces_come_with_the_turned_head_s_depths():
    script = clip_of(nuisances=[Disturbance("turning", 0, 3000, 2.0)], duration_s=2.0).script
    faces = list(SyntheticFaces(script))
    left, right = (np.array([face.depth_px[n] for face in faces]) for n in (234, 454))
    assert np.ptp(left - right) > 5


def test_every_new_nuisance_can_be_drawn_from_a_scenario_and_keeps_its_seed():
    assert set(NEW) < set(NUISANCES)
    scenario = Scenario(seed=3, duration_s=30.0, nuisances=LIFELIKE)
    script = script_of(scenario)
    assert script == script_of(scenario)
    assert {"turning", "lively_talking", "gaze", "glasses"} <= {n.kind for n in script.nuisances}
    assert "sway" not in {n.kind for n in script.nuisances}
