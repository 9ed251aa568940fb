from __future__ import annotations

import numpy as np
import pytest

from ahmsa.databases.clips import Subject
from ahmsa.errors import DataError
from ahmsa.settings import FlowSettings
from train.map_set import MapSet, Sample, join

SAMPLES = tuple(Sample(Subject("smic", f"s{n}"), f"clip{n}", n % 3) for n in range(6))


def maps(samples=SAMPLES, **changes):
    uvs = np.random.default_rng(0).random((len(samples), 3, 28, 28), np.float32)
    return MapSet(**({"uvs": uvs, "samples": samples, "source": "here"} | changes))


def test_a_set_knows_its_subjects_databases_and_classes():
    both = join([maps(), maps(tuple(Sample(Subject("samm", s.subject.name), s.name, s.label) for s in SAMPLES))])
    assert both.databases == ("samm", "smic")
    assert len(both.subjects) == 12
    assert both.class_counts == {"negative": 4, "positive": 4, "surprise": 4}
    assert list(both.take([7, 0]).labels) == [1, 0]


def test_a_clip_that_is_there_twice_is_an_error():
    with pytest.raises(DataError, match="clip clip0 of smic/s0 is there more than once"):
        maps((*SAMPLES, SAMPLES[0]))


def test_a_class_without_samples_is_an_error():
    with pytest.raises(DataError, match="no sample of class surprise"):
        maps(tuple(sample for sample in SAMPLES if sample.label != 2)).require_every_class()


def test_maps_that_were_not_scaled_are_an_error():
    with pytest.raises(DataError, match="from 0 to 1"):
        maps(uvs=np.full((6, 3, 28, 28), 255, np.float32))


def test_maps_made_in_different_ways_are_not_joined():
    with pytest.raises(DataError, match="differ in size, classes or flow settings"):
        join([maps(), maps(flow=FlowSettings(warps=2))])


def test_one_changed_pixel_makes_another_fingerprint():
    uvs = maps().uvs.copy()
    uvs[3, 1, 2, 2] = 1 - uvs[3, 1, 2, 2]
    assert maps().fingerprint == maps().fingerprint
    assert maps().fingerprint != maps(uvs=uvs).fingerprint
