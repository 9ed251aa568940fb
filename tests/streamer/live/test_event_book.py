import pytest

from streamer.live.event_book import EventBook
from streamer.stream.internal import Stamps, parts_of
from streamer.stream.messages import answer_of


@pytest.fixture
def answer(recogniser):
    def make(candidate):
        [result] = recogniser.recognise([candidate.pair])
        return answer_of(candidate, result.emotion, result.flow_map, "fake", 1.0)

    return make


def announce(book, candidate):
    book.provisional(candidate, Stamps(), parts_of(candidate))


def confirm(book, candidate):
    return book.confirmed(candidate, Stamps(), parts_of(candidate))


def test_an_early_answer_waits_for_the_confirmation(make_candidate, answer):
    book = EventBook("demo")
    announce(book, make_candidate())
    book.answered(answer(make_candidate()))
    assert book.ready() == []
    assert confirm(book, make_candidate("confirmed")) is False, "it was asked already"
    [emotion] = book.ready()
    assert (emotion.event_id, emotion.apex.index) == ("f0-1", 15)
    assert book.ready() == [], "published once"


def test_a_confirmed_event_waits_for_its_answer(make_candidate, answer):
    book = EventBook("demo")
    announce(book, make_candidate())
    confirm(book, make_candidate("confirmed"))
    assert book.ready() == []
    assert book.unanswered == 1
    book.answered(answer(make_candidate()))
    assert len(book.ready()) == 1
    assert book.unanswered == 0


def test_a_confirmation_with_another_apex_is_asked_anew_and_the_old_answer_is_not_used(make_candidate, answer):
    book = EventBook("demo")
    announce(book, make_candidate(apex=15))
    book.answered(answer(make_candidate(apex=15)))
    assert confirm(book, make_candidate("confirmed", apex=16)) is True
    book.answered(answer(make_candidate(apex=15)))
    assert book.ready() == []
    book.answered(answer(make_candidate(apex=16)))
    [emotion] = book.ready()
    assert emotion.apex.index == 16


def test_a_confirmation_that_knows_what_came_after_is_asked_anew(make_candidate, make_face, answer):
    book, asked = EventBook("demo"), make_candidate("provisional")
    announce(book, asked)
    book.answered(answer(asked))
    confirmed = make_candidate("confirmed", after=make_face(20))
    assert confirm(book, confirmed)
    assert book.ready() == []
    book.answered(answer(confirmed))
    assert [message.event_id for message in book.ready()] == [confirmed.event_id]


def test_a_retracted_movement_is_never_named(make_candidate, answer):
    book = EventBook("demo")
    announce(book, make_candidate())
    book.retracted("f0-1")
    book.answered(answer(make_candidate()))
    assert book.ready() == []
    assert book.unanswered == 0


def test_a_late_answer_does_not_change_the_order(make_candidate, answer):
    book = EventBook("demo")
    for name in ("first", "second"):
        confirm(book, make_candidate("confirmed", event_id=name))
    book.answered(answer(make_candidate(event_id="second")))
    assert book.ready() == []
    book.answered(answer(make_candidate(event_id="first")))
    assert [emotion.event_id for emotion in book.ready()] == ["first", "second"]


def test_an_event_that_is_given_up_holds_nobody_back(make_candidate, answer):
    book = EventBook("demo")
    for name in ("first", "second"):
        confirm(book, make_candidate("confirmed", event_id=name))
    book.answered(answer(make_candidate(event_id="second")))
    book.give_up("first", "worker refused")
    assert [emotion.event_id for emotion in book.ready()] == ["second"]
    assert book.dropped == {"worker refused": 1}


def test_past_the_limit_the_oldest_is_dropped_and_counted(make_candidate):
    book = EventBook("demo", limit=2)
    for name in ("a", "b", "c"):
        announce(book, make_candidate(event_id=name))
    assert book.unanswered == 2
    assert book.dropped == {"hub->worker": 1}


def test_a_worker_that_starts_anew_is_told_every_open_question(make_candidate, answer):
    book = EventBook("demo")
    for name in ("a", "b"):
        announce(book, make_candidate(event_id=name))
    book.answered(answer(make_candidate(event_id="a")))
    assert book.questions() == [("b", parts_of(make_candidate(event_id="b")))]
