"""What every command has, whichever it is; and how commands end."""

import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from configs.command import say

BIN = Path(sys.executable).parent
COMMANDS = sorted(path.name for path in BIN.glob("ahmsa-*"))


def run(command, *arguments, **environment):
    return subprocess.run(
        [BIN / command, *arguments], capture_output=True, text=True, timeout=60, env={**os.environ, **environment}
    )


def test_there_are_commands():
    assert {"ahmsa-live", "ahmsa-train", "ahmsa-models"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_it_says_its_version_and_explains_itself_to_h(command):
    assert run(command, "--version").stdout == f"ahmsa {version('ahmsa')}\n"
    explained = run(command, "-h")
    assert explained.returncode == 0
    assert "Usage" in explained.stdout


def test_its_own_options_keep_their_words_and_places():
    explained = run("ahmsa-watch", "-h").stdout
    assert "[endpoint]" in explained.lower()
    assert "One JSON line per message" in " ".join(explained.replace("│", " ").split())


def test_a_command_with_sub_commands_gives_each_the_same():
    assert run("ahmsa-data", "check", "--version").stdout.startswith("ahmsa ")


def test_it_completes_in_the_shell():
    assert "_AHMSA_LIVE_COMPLETE" in run("ahmsa-live", _AHMSA_LIVE_COMPLETE="source_bash").stdout


@pytest.fixture
def command(tmp_path):
    """Starts a command that runs the lines it is given; `folder` is there for them."""
    started = []

    def start(*lines, **values):
        body = "".join(f"    {line}\n" for line in lines)
        code = f"""
import sys, time
from pathlib import Path
from ahmsa.errors import RunError
from configs.command import program, run_program
app, folder = program("A program."), Path({str(tmp_path)!r})
@app.command()
def work() -> None:
{body}run_program(app)
"""
        values = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **values}
        started.append(subprocess.Popen([sys.executable, "-c", code], text=True, **values))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_undoes_what_a_command_has_begun_and_ends_it_without_a_word(command, tmp_path, number):
    begun = command("try:", "    print('up', flush=True)", "    time.sleep(60)", "finally:", "    (folder / 'undone').touch()")
    assert begun.stdout.readline() == "up\n"
    begun.send_signal(number)
    assert (*begun.communicate(timeout=30), begun.returncode) == ("", "", 128 + number)
    assert (tmp_path / "undone").exists()


def test_a_hang_up_that_it_was_told_to_ignore_is_ignored(command):
    begun = command(
        "print('up', flush=True)",
        "sys.stdin.readline()",
        stdin=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    assert begun.stdout.readline() == "up\n"
    begun.send_signal(signal.SIGHUP)
    assert begun.communicate("go on\n", timeout=30) == ("", "")
    assert begun.returncode == 0


@pytest.mark.parametrize("line", ["print('a word')", "import typer; typer.echo('a word')", "sys.stdout.write('a word')"])
def test_an_output_that_is_full_is_one_sentence(command, line):
    with Path("/dev/full").open("w") as full:
        begun = command(line, stdout=full)
    _, errors = begun.communicate(timeout=30)
    assert (begun.returncode, errors) == (1, "error: No space left on device\n")


@pytest.mark.parametrize("line", ["print('a word')", "import typer; typer.echo('a word')", "raise RunError('no')"])
def test_nothing_is_complained_about_where_the_reader_of_a_pipe_has_gone(command, line):
    reader, writer = os.pipe()
    os.close(reader)
    both = {"stderr": writer} if "raise" in line else {}
    begun = command(line, stdout=writer, **both)
    os.close(writer)
    _, errors = begun.communicate(timeout=30)
    assert (begun.returncode, errors or "") == ((1, "") if both else (141, ""))


def test_an_error_of_the_operating_system_is_one_sentence_that_names_the_file(command, tmp_path):
    begun = command("(folder / 'missing').read_text()")
    _, errors = begun.communicate(timeout=30)
    assert (begun.returncode, errors) == (1, f"error: No such file or directory: {tmp_path / 'missing'}\n")


def test_a_name_that_no_check_has_foreseen_is_one_sentence():
    for command in (["ahmsa-live", "--video", "n" * 5000], ["ahmsa-report", "n" * 5000]):
        ended = run(*command)
        assert ended.returncode == 1
        assert "name too long" in ended.stderr.lower()
        assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [("ahmsa-live", "--demo", "--device"), ("ahmsa-watch", "--topic"), ("ahmsa-flow", "a.png", "b.png", "--layout")],
)
def test_bytes_that_are_no_text_are_a_usage_error(arguments):
    ended = run(*arguments, b"caf\xe9")
    assert (ended.returncode, ended.stderr) == (
        2,
        "error: caf? is no text in UTF-8; type it anew, or give the file another name\n",
    )


def test_what_a_command_says_steers_no_terminal(capsys):
    say("made a\x1b]0;x\x07\x9b\u202e.csv\nforged: line")
    assert capsys.readouterr().out == "made a?]0;x???.csv forged: line\n"
