"""Movements of several parts of the face, and the events that are told of them."""

import numpy as np
import pytest

from spotting.events import Decision, Events
from spotting.movement import Movement
from spotting.regions import REGIONS

BROW, LIP = REGIONS.index("left_brow_inner"), REGIONS.index("left_lip")
MS = 1_000_000


def movement(region):
    way_px = np.zeros((len(REGIONS), 2))
    way_px[region] = (0.0, -1.0)
    return Movement(0, np.ones(len(REGIONS)), way_px, region, 0)


def found(apex_ms, phase="provisional"):
    return Decision(phase, (apex_ms - 150) * MS, apex_ms * MS, None, 2.0)


@pytest.fixture
def events():
    return Events(same_event_ms=150.0)


def test_brows_and_mouth_that_move_together_are_announced_once(events):
    said = events.announce(movement(BROW), found(1000), 1050 * MS)
    assert (said.phase, said.event) == ("provisional", 1)
    assert events.announce(movement(LIP), found(1090), 1140 * MS) is None
    assert len(events.open) == 2


def test_brows_that_move_well_after_the_mouth_are_an_event_of_their_own(events):
    events.announce(movement(LIP), found(1000), 1050 * MS)
    assert events.announce(movement(BROW), found(1200), 1250 * MS).event == 2


def test_the_first_that_comes_back_confirms_the_event_for_all(events):
    events.announce(movement(BROW), found(1000), 1050 * MS)
    events.announce(movement(LIP), found(1050), 1100 * MS)
    said, members = events.confirm(events.open[1], found(1050, "confirmed"))
    assert (said.phase, said.event, said.apex_ns) == ("confirmed", 1, 1050 * MS)
    assert len(members) == 2
    assert events.open == []


def test_a_part_that_follows_a_confirmed_event_belongs_to_it(events):
    events.announce(movement(BROW), found(1000), 1050 * MS)
    events.confirm(events.open[0], found(1000, "confirmed"))
    assert events.announce(movement(LIP), found(1100), 1300 * MS) is None
    assert events.open == []


def test_an_event_is_retracted_with_the_last_of_its_movements(events):
    events.announce(movement(BROW), found(1000), 1050 * MS)
    events.announce(movement(LIP), found(1050), 1100 * MS)
    brow, lip = events.open
    assert events.drop(brow, found(1000, "retracted")) is None
    assert events.drop(lip, found(1050, "retracted")).event == 1
    assert events.open == []


def test_a_movement_in_the_place_of_a_retracted_one_is_announced_anew(events):
    events.announce(movement(BROW), found(1000), 1050 * MS)
    events.drop(events.open[0], found(1000, "retracted"))
    assert events.announce(movement(LIP), found(1000), 1100 * MS).event == 2
