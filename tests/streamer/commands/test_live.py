"""`ahmsa-live` and the commands around it as a user meets them, in processes of their own.

Covers streamer.commands.options, streamer.commands.watch and streamer.commands.keys.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import torch

from streamer.stream.client import EmotionStream
from streamer.stream.schema import json_schema_text

BIN = Path(sys.executable).parent
HEAVY = ("torch", "cv2", "ai_edge_litert", "numpy", "matplotlib", "zmq", "msgspec")


def run(command, *arguments, **values):
    return subprocess.run(
        [BIN / command, *map(str, arguments)], capture_output=True, text=True, timeout=60, env=quiet_environment(), **values
    )


def quiet_environment(**more):
    return {**os.environ, "COLUMNS": "200", **{name: str(value) for name, value in more.items()}}


@pytest.mark.parametrize("command", ["keys", "live", "mark", "watch", "worker"])
def test_help_loads_nothing_heavy(command):
    code = f"""
import sys
from streamer.commands.{command} import main
sys.argv = ["ahmsa-{command}", "--help"]
try:
    main()
except SystemExit as end:
    assert end.code == 0
print(sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert shown.stderr.strip() == "[]"
    assert f"ahmsa-{command}" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name what to watch"),
        (["--demo", "--replay", "{folder}"], "--demo and --replay"),
        (["--camera", "1", "--camera", "1"], "--camera 1 is named twice"),
        (["--demo", "--publish", "foo"], "is no endpoint"),
        (["--demo", "--record-video"], "needs --record"),
        (["--demo", "--device", "tpu"], "$.device"),
        (["--demo", "--max-faces", "99"], "$.face.max_faces"),
        (["--demo", "--config", "nowhere.toml"], "cannot read settings file nowhere.toml"),
        (["--demo", "--config", "{folder}/unknown.toml"], "chocolate"),
        (["--demo", "--config", "{folder}/damaged.toml"], "holds no valid settings"),
        (["--demo", "--nonsense"], "--nonsense"),
        (["--camera", "front"], "--camera"),
        (["--camera", "-1"], "--camera"),
        (
            ["--replay", "{folder}", "--record", "{folder}", "--worker", "tcp://127.0.0.1:1"],
            "--record and --worker cannot be combined",
        ),
        (["--demo", "--worker", "tcp://127.0.0.1:1", "--device", "cuda"], "--device cannot be combined with --worker"),
        (["--replay", "{folder}", "--lsl"], "--lsl cannot be combined with --replay"),
        (["--demo", "--web", "99999"], "--web"),
    ],
)
def test_what_is_asked_wrongly_ends_with_2_and_a_sentence(tmp_path, arguments, words):
    (tmp_path / "unknown.toml").write_text("[face]\nchocolate = 3\n")
    (tmp_path / "damaged.toml").write_text("[face\n")
    ended = run("ahmsa-live", *(argument.replace("{folder}", str(tmp_path)) for argument in arguments))
    assert ended.returncode == 2
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--video", "nowhere.mp4"], "there is no video file nowhere.mp4"),
        (["--demo", "--duration", "0.1", "--screenshot", "{folder}/file/screen.svg"], "screen.svg cannot be written"),
        (["--demo", "--publish", "tcp://192.0.2.1:5556", "--insecure"], "no such address"),
    ],
)
def test_what_cannot_be_done_ends_with_1_and_a_sentence(tmp_path, arguments, words, start_worker):
    (tmp_path / "file").touch()
    arguments = [argument.replace("{folder}", str(tmp_path)) for argument in arguments]
    publish = [] if "--publish" in arguments else ["--publish", "tcp://127.0.0.1:*"]
    ended = run("ahmsa-live", *arguments, *publish, "--worker", start_worker().endpoint)
    assert (ended.returncode, ended.stdout.count("Traceback"), ended.stderr.count("Traceback")) == (1, 0, 0)
    assert words in ended.stderr.splitlines()[-1]


def test_a_wrong_name_is_one_line_and_starts_no_process(tmp_path):
    (tmp_path / "damaged.safetensors").write_bytes(b"no weights")
    wrong = [
        ["--video", "nowhere.mp4"],
        ["--images", tmp_path / "none"],
        ["--demo", "--checkpoint", "none.safetensors"],
        ["--demo", "--checkpoint", tmp_path / "damaged.safetensors"],
    ]
    if not torch.backends.mps.is_available():
        wrong.append(["--demo", "--device", "mps"])
    for arguments in wrong:
        ended = run("ahmsa-live", *arguments, "--publish", "tcp://127.0.0.1:*")
        assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (1, "", 1)


def test_a_replay_of_what_is_no_recording_is_one_sentence(tmp_path):
    ended = run("ahmsa-live", "--replay", tmp_path, "--publish", "tcp://127.0.0.1:*")
    assert (ended.returncode, ended.stderr.count("Traceback")) == (1, 0)
    assert "holds no recorded session" in ended.stderr


def test_ctrl_c_ends_everything_in_order(start_worker, tmp_path):
    endpoint = f"ipc://{tmp_path}/stream"
    command = [BIN / "ahmsa-live", "--demo", "--headless", "--publish", endpoint, "--worker", start_worker().endpoint]
    sockets = tmp_path / "sockets"
    sockets.mkdir()
    program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=quiet_environment(TMPDIR=sockets))
    try:
        with EmotionStream(endpoint, topics=["motion."]) as stream:
            assert stream.next(60.0) is not None, "no frame came"
        children = psutil.Process(program.pid).children(recursive=True)
        assert children
        program.send_signal(signal.SIGINT)
        out, _ = program.communicate(timeout=30)
        _, alive = psutil.wait_procs(children, timeout=5)
        assert alive == []
        assert program.returncode == 130
        assert "frames captured" in out
        assert list(sockets.iterdir()) == []
    finally:
        program.kill()
        program.wait()


def test_lines_where_the_output_is_no_terminal_and_a_second_program_that_watches(start_worker, tmp_path):
    endpoint = f"ipc://{tmp_path}/stream"
    watching = subprocess.Popen(
        [BIN / "ahmsa-watch", endpoint, "--json", "--topic", "status."],
        stdout=subprocess.PIPE,
        text=True,
        env=quiet_environment(),
    )
    try:
        shown = run(
            *("ahmsa-live", "--demo", "--duration", "1.5", "--publish", endpoint),
            *("--worker", start_worker().endpoint, "--screenshot", tmp_path / "screen.svg", "--record", tmp_path / "kept"),
        )
        assert shown.returncode == 0, shown.stderr
        assert "ahmsa-watch ipc://" in shown.stdout
        assert "AI Act" in shown.stdout
        assert "demo score: 0 of 0" in shown.stdout
        assert "\x1b" not in shown.stdout
        assert (tmp_path / "screen.svg").read_text().startswith("<svg")
        assert (tmp_path / "kept" / "truth.csv").exists()
        first = json.loads(watching.stdout.readline())
        assert (first["schema"], first["source"]) == ("ahmsa.status/1", "demo")
        assert json.loads(watching.stdout.read().splitlines()[-1])["state"] == "ended"
        assert watching.wait(30) == 0, "it ends with the session"
    finally:
        watching.kill()
        watching.communicate(timeout=30)


def test_ctrl_c_ends_a_watcher(tmp_path):
    watching = subprocess.Popen([BIN / "ahmsa-watch", f"ipc://{tmp_path}/nobody", "--stay"], stderr=subprocess.PIPE, text=True)
    try:
        assert "listening" in watching.stderr.readline()
        watching.send_signal(signal.SIGINT)
        _, said = watching.communicate(timeout=30)
        assert (watching.returncode, said) == (130, "")
    finally:
        watching.kill()
        watching.wait()


def test_watch_prints_the_schema():
    assert run("ahmsa-watch", "--schema").stdout == json_schema_text()


def test_watch_gives_up_on_silence_with_a_sentence(tmp_path):
    ended = run("ahmsa-watch", f"ipc://{tmp_path}/nobody", "--timeout", "0.2")
    assert ended.returncode == 1
    assert "is ahmsa-live running there?" in ended.stderr


def test_a_worker_whose_port_is_taken_says_so(start_worker):
    ended = run("ahmsa-worker", "--bind", start_worker().endpoint)
    assert ended.returncode == 1
    assert "in use" in ended.stderr


def test_an_output_without_the_characters_shows_question_marks_and_goes_on(start_worker):
    shown = subprocess.run(
        [
            BIN / "ahmsa-live",
            "--demo",
            "--duration",
            "0.1",
            "--publish",
            "tcp://127.0.0.1:*",
            "--worker",
            start_worker().endpoint,
        ],
        capture_output=True,
        timeout=60,
        env=quiet_environment(PYTHONIOENCODING="ascii"),
    )
    assert shown.returncode == 0, shown.stderr
    assert b"frames captured" in shown.stdout
