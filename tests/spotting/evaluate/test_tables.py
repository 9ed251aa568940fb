import pytest

from ahmsa.errors import DataError
from spotting.evaluate.scoring import Interval
from spotting.evaluate.tables import COLUMNS, read_intervals, write_rows


def test_what_is_written_is_read_and_gated_rows_are_passed_over(tmp_path):
    row = dict.fromkeys(COLUMNS, "") | {"video": "a", "type": "micro", "score": 2.0}
    times = {"onset_ms": 100.0, "apex_ms": 250.0, "offset_ms": 480.0}
    write_rows([row | times, row | times | {"gate": "blink"}], tmp_path / "out.csv")
    assert read_intervals(tmp_path / "out.csv", 30) == [Interval("a", 100.0, 250.0, 480.0, "micro")]


def test_frames_become_ms_and_a_missing_type_follows_from_the_length(tmp_path):
    (tmp_path / "truth.csv").write_text("onset,apex,offset,label,amplitude_px\n10,20,24,positive,1.5\n100,120,200,,\n")
    short, long = read_intervals(tmp_path / "truth.csv", 50)
    assert (short.onset_ms, short.kind, short.label, short.amplitude_px) == (200.0, "micro", "positive", 1.5)
    assert long.kind == "macro"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("onset,apex,offset\n10,5,20\n", "line 2: onset, apex and offset must follow"),
        ("onset,apex,offset\n1,x,20\n", "line 2: apex: 'x' is no number"),
        ("onset,apex\n1,2\n", "there is no offset"),
        ("onset,apex,offset,type\n1,2,3,tiny\n", "type is 'tiny'"),
    ],
)
def test_a_wrong_row_is_named_with_its_line(tmp_path, text, said):
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        read_intervals(tmp_path / "bad.csv", 30)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match="cannot read the intervals"):
        read_intervals(tmp_path / "none.csv", 30)
