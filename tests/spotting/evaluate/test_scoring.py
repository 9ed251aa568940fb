import math

import pytest

from spotting.evaluate.scoring import Interval, score_published, score_strict


def interval(onset, offset, kind="micro", video="a", apex=None, **more):
    return Interval(video, onset, apex if apex is not None else (onset + offset) / 2, offset, kind, **more)


def test_half_overlap_is_a_hit_and_less_is_a_miss_and_a_false_alarm():
    assert score_strict([interval(0, 200)], [interval(0, 400)]).counts["micro"].tp == 1
    counts = score_strict([interval(0, 199)], [interval(0, 400)]).counts["micro"]
    assert (counts.tp, counts.fp, counts.fn) == (0, 1, 1)


def test_two_predictions_on_one_label_are_one_hit_and_one_false_alarm():
    score = score_strict([interval(0, 390), interval(10, 400)], [interval(0, 400)])
    assert (score.counts["micro"].tp, score.counts["micro"].fp) == (1, 1)
    assert score.false_alarms == (interval(0, 390),) or score.false_alarms == (interval(10, 400),)


def test_one_prediction_over_two_labels_counts_once_strictly_and_twice_as_published():
    predictions, labels = [interval(0, 400)], [interval(0, 200), interval(200, 400)]
    strict, published = score_strict(predictions, labels), score_published(predictions, labels)
    assert (strict.counts["micro"].tp, strict.counts["micro"].fn) == (1, 1)
    assert (published.counts["micro"].tp, published.counts["micro"].fn) == (2, 0)


def test_the_pairing_is_the_one_with_most_hits_even_where_greed_would_take_the_better_overlap_first():
    labels = [interval(0, 300), interval(100, 400)]
    predictions = [interval(90, 390), interval(140, 500)]
    assert score_strict(predictions, labels).counts["micro"].tp == 2


def test_a_macro_called_micro_is_wrong_strictly_and_a_hit_as_published():
    predictions, labels = [interval(0, 490, "micro")], [interval(0, 700, "macro")]
    strict, published = score_strict(predictions, labels), score_published(predictions, labels)
    assert strict.all.tp == 0
    assert (strict.counts["micro"].fp, strict.counts["macro"].fn) == (1, 1)
    assert published.counts["macro"].tp == 1


def test_the_same_time_in_another_video_is_no_hit():
    assert score_strict([interval(0, 400, video="b")], [interval(0, 400)]).all.tp == 0


def test_errors_recall_by_amplitude_and_false_alarms_a_minute():
    labels = [interval(0, 400, apex=200, amplitude_px=0.7), interval(2000, 2400, amplitude_px=1.5)]
    score = score_strict([interval(20, 400, apex=230), interval(5000, 5300)], labels)
    assert score.apex_errors_ms().tolist() == [30]
    assert score.onset_errors_ms().tolist() == [20]
    assert score.recall_by_amplitude() == {(0.5, 1.0): (1, 1), (1.0, 2.0): (0, 1)}
    assert score.false_alarms_per_minute(2.0) == 0.5


def test_strs_multiplies_spotting_by_recognition_of_the_hits():
    labels = [
        interval(0, 400, label="positive"),
        interval(1000, 1400, label="surprise"),
        interval(3000, 3400, label="negative"),
    ]
    predictions = [interval(0, 400, label="positive"), interval(1000, 1400, label="negative")]
    assert score_strict(predictions, labels).strs() == pytest.approx(0.8 * 0.5)
    assert math.isnan(score_strict([], labels).strs())


def test_no_predictions_and_no_labels_are_zeros_and_not_errors():
    score = score_strict([], [])
    assert score.all.f1 == 0
    assert len(score.apex_errors_ms()) == 0


def test_over_all_a_pair_counts_whatever_the_kinds_as_megc_counts():
    predictions = [interval(0, 400, "micro"), interval(1000, 1800, "macro"), interval(5000, 5200, "micro")]
    labels = [interval(0, 400, "macro"), interval(1000, 1800, "macro")]
    score = score_strict(predictions, labels)
    assert (score.all.tp, score.all.fp, score.all.fn) == (1, 2, 1)
    assert (score.any_kind.tp, score.any_kind.fp, score.any_kind.fn) == (2, 1, 0)
    assert score_published(predictions, labels).any_kind is None
