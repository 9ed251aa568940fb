"""Networks of sequences, from generated faces to figures: they win where the label is in timing or amplitude, and lose nothing
where it is in the place of the movement (ahmsa.flow.sequence)."""

from __future__ import annotations

import cv2
import msgspec
import numpy as np
import pytest

from ahmsa.databases.clips import Subject
from ahmsa.errors import DataError, SettingsError
from ahmsa.flow.maker import FlowMaker
from ahmsa.flow.sequence import INSTANTS, PLANES, instants
from ahmsa.model.checkpoint import Checkpoint
from ahmsa.model.net import AhmsaNet, network_input
from ahmsa.model.recogniser import Recogniser
from ahmsa.settings import FlowSettings, NetSettings
from ahmsa.synth.motion.muscles import face_axis, unit_motion
from ahmsa.synth.motion.timing import course
from ahmsa.types import AlignedFace, FacePair, FaceQuality
from configs.training import AugmentSettings, FitSettings, TrainSettings
from train.experiment.export import export
from train.experiment.runner import run
from train.map_set import MapSet, Sample

FLOW = FlowSettings(warps=2, inner_iterations=8)
NET = NetSettings(channels=(16, 16, 16), heads=(2, 2, 2))
SUBJECTS, EACH = 5, 2
PLACES = ({"brow_lowerer_4": 1.0}, {"lip_corner_puller_12": 1.0}, {"nose_wrinkler_9": 1.0})
PEAKS_PX = (0.8, 1.6, 3.2)
RISES_MS = (80.0, 200.0, 320.0)


def movement(rng, place, peak_px, rise_ms, length_ms=400.0):
    """A movement of one generated skin: the faces of onset, apex and the instants up to the offset."""
    skin = cv2.GaussianBlur(rng.integers(0, 256, (128, 128)).astype(np.float32), (0, 0), 2.0)
    skin = cv2.normalize(skin, None, 30, 220, cv2.NORM_MINMAX)
    axis = face_axis(128)
    field = unit_motion(PLACES[place], rng=rng).field(axis, axis) * np.float32(peak_px)
    x, y = np.meshgrid(axis, axis)

    def face(number, t_ms):
        u, v = field * np.float32(course(t_ms, 0.0, rise_ms, length_ms))
        pixels = cv2.remap(skin, x - u, y - v, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        seen = np.clip(pixels + rng.normal(0, 1.0, pixels.shape), 0, 255).astype(np.uint8)
        quality = FaceQuality(interocular_px=60.0, yaw_deg=0.0, luma=120.0, sharpness=100.0)
        return AlignedFace(number, round(t_ms * 1e6), 0, seen, np.zeros((0, 2), np.float32), quality, np.eye(2, 3))

    between = tuple(face(2 + number, float(t_ms)) for number, t_ms in enumerate(instants(0, int(length_ms))))
    return FacePair(face(0, 0.0), face(1, rise_ms), between=between)


def database(depends_on, seed):
    """Maps with sequences of some subjects; the label is the place, the amplitude or the rise, and the two others are drawn."""
    rng = np.random.default_rng(seed)
    pairs, samples = [], []
    for subject in range(SUBJECTS):
        for number in range(3 * EACH):
            label = number % 3
            drawn = {"place": rng.integers(3), "amplitude": rng.integers(3), "rise": rng.integers(3), depends_on: label}
            pairs.append(movement(rng, drawn["place"], PEAKS_PX[drawn["amplitude"]], RISES_MS[drawn["rise"]]))
            samples.append(Sample(Subject("made", f"s{subject}"), f"c{number}", label))
    made = FlowMaker(FLOW, inputs="sequence").maps(pairs)
    uvs, sequences = np.stack([each.uvs for each in made]), np.stack([each.sequence for each in made])
    return MapSet(uvs, tuple(samples), "generated", flow=FLOW, crop_px=128, sequences=sequences), pairs


def recipe(inputs):
    net = msgspec.structs.replace(NET, inputs=inputs)
    fit = FitSettings(epochs=60, batch=24, learning_rate=3e-3, weight_decay=0.01)
    augment = AugmentSettings(shift_cells=0.5, rotation_deg=2.0, scale=0.02, gain=0.0, noise=0.05)
    return TrainSettings(net=net, fit=fit, augment=augment, evaluate_every=60)


def uf1(maps, inputs, folder):
    return run(maps, recipe(inputs), folder).protocols["final"].uf1


@pytest.mark.slow
@pytest.mark.parametrize("depends_on", ["rise", "amplitude"])
def test_a_network_of_sequences_sees_what_no_map_holds(depends_on, tmp_path):
    maps, _ = database(depends_on, seed=1)
    from_maps, from_sequences = uf1(maps, "map", tmp_path / "map"), uf1(maps, "sequence", tmp_path / "sequence")
    assert from_sequences > 0.8
    assert from_sequences > from_maps + 0.2


@pytest.mark.slow
def test_a_network_of_sequences_loses_nothing_where_the_label_is_a_place(tmp_path):
    maps, _ = database("place", seed=2)
    from_maps, from_sequences = uf1(maps, "map", tmp_path / "map"), uf1(maps, "sequence", tmp_path / "sequence")
    assert from_sequences > 0.9
    assert from_sequences >= from_maps - 0.05


@pytest.mark.slow
def test_what_was_trained_on_sequences_answers_them_as_a_checkpoint_and_says_what_it_needs(tmp_path):
    maps, pairs = database("rise", seed=3)
    results = run(maps, recipe("sequence"), tmp_path / "run")
    export(maps, results).save(tmp_path / "sequence.safetensors")
    checkpoint = Checkpoint.load(tmp_path / "sequence.safetensors")
    assert checkpoint.net.inputs == "sequence"
    recogniser = Recogniser(checkpoint)
    recogniser.warm_up()
    answers = recogniser.recognise(pairs)
    said = [checkpoint.labels.index(each.emotion.label) for each in answers]
    assert np.mean(np.array(said) == maps.labels) > 0.9
    assert np.allclose(answers[0].flow_map.sequence, maps.sequences[0], atol=1e-4)
    with pytest.raises(DataError, match="sequences of 4 faces from onset to offset, and 0 were given"):
        recogniser.recognise([FacePair(pairs[0].onset, pairs[0].apex)])


def test_a_sequence_tells_amplitude_rise_and_fall_and_how_the_movement_goes_back():
    pair = movement(np.random.default_rng(0), place=1, peak_px=2.0, rise_ms=200.0)
    (made,) = FlowMaker(FLOW, inputs="sequence").maps([pair])
    assert made.sequence.shape == (PLANES, 28, 28)
    amplitude, rise, fall = made.sequence[-3:, 0, 0]
    assert amplitude == pytest.approx(np.log2(made.peak_px / 2.0), abs=1e-5)
    assert (rise, fall) == pytest.approx((0.0, -0.2))
    sizes = [np.hypot(*made.sequence[2 * i : 2 * i + 2]).max() for i in range(INSTANTS)]
    assert int(np.argmax(sizes)) == 1
    assert sizes[-1] < 0.3 * sizes[1]


def test_the_map_of_a_movement_is_the_same_with_and_without_its_sequence():
    pair = movement(np.random.default_rng(0), place=0, peak_px=2.0, rise_ms=200.0)
    (alone,), (beside,) = (FlowMaker(FLOW, inputs=inputs).maps([pair]) for inputs in ("map", "sequence"))
    assert alone.sequence is None
    assert np.array_equal(alone.uvs, beside.uvs)
    assert (alone.peak_px, alone.own_share) == (beside.peak_px, beside.own_share)


def test_ready_made_maps_are_refused_in_one_sentence():
    with pytest.raises(DataError, match="ready-made maps have none"):
        network_input(np.zeros((2, 3, 28, 28), np.float32), NetSettings(inputs="sequence"))


@pytest.mark.parametrize("model", ["svm", "ststnet"])
def test_baselines_say_that_they_see_maps_alone(model, tmp_path):
    maps, _ = database("place", seed=4)
    given = TrainSettings(model=model, net=NetSettings(inputs="sequence"), fit=FitSettings(epochs=1))
    with pytest.raises(SettingsError, match="sees maps alone"):
        run(maps, given, tmp_path / "run")


def test_a_model_of_maps_keeps_the_id_that_it_had_before_there_was_a_choice(tmp_path):
    """Its header, of which the id is made, does not name the inputs."""
    files = []
    for net in (NetSettings(), NetSettings(inputs="sequence")):
        files.append(tmp_path / f"{net.inputs}.safetensors")
        Checkpoint((AhmsaNet(net).state_dict(),), net).save(files[-1])
    assert [b"inputs" in file.read_bytes() for file in files] == [False, True]
