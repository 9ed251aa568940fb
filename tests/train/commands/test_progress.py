import io

from train.commands.progress import ProgressLines, progress


def test_a_log_file_gets_a_line_now_and_then_and_one_at_the_end():
    clock = iter([0.0, 0.0, 2.0, 40.0, 40.0, 41.0, 41.0, 41.0])
    stream = io.StringIO()
    lines = ProgressLines("small", "epochs", stream, lambda: next(clock))
    lines.announce(100)
    lines.advance(1)  # 2 s: nothing yet
    lines.advance(39)  # 40 s: half a minute is over
    lines.advance(60)  # 41 s: too soon
    lines.end()
    assert stream.getvalue().splitlines() == [
        "small: 0 of 100 epochs, 0.0 min",
        "small: 40 of 100 epochs, 0.7 min, 1.0 min left",
        "small: 100 of 100 epochs, 0.7 min",
    ]


def test_lines_appear_while_the_work_goes_on_where_the_output_is_no_terminal(capsys):
    with progress("shipped", "epochs") as (announce, advance):
        announce(10)
        assert capsys.readouterr().err == "shipped: 0 of 10 epochs, 0.0 min\n"
        advance(10)
    assert capsys.readouterr().err == "shipped: 10 of 10 epochs, 0.0 min\n"
