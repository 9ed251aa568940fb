"""What is fuzzed: for every kind of input some good examples, and the function that reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Read = Callable[[bytes], object]
"""Reads damaged bytes as the program would; errors of the tree pass through."""


@dataclass(frozen=True)
class Kind:
    """examples: good inputs. read: what the program does with such bytes."""

    examples: list[bytes]
    read: Read


def _through_file(folder: Path, name: str, read: Callable[[Path], object]) -> Read:
    def run(data: bytes) -> object:
        path = folder / name
        path.write_bytes(data)
        return read(path)

    return run


def messages(folder: Path) -> Kind:
    """What subscribers and the hub get."""
    from streamer.stream.schema import decode
    from streamer.view.lines import line_of

    golden = Path(__file__).parents[1] / "tests" / "streamer" / "golden" / "messages.jsonl"

    def read(data: bytes) -> None:
        line = line_of(decode(data))
        assert line.isprintable(), f"a line for people holds control characters: {line!r}"

    return Kind(golden.read_bytes().splitlines(), read)


def candidates(folder: Path) -> Kind:
    """What a recogniser gets: five parts, cut apart at a mark."""
    from fuzz.examples import candidate_parts
    from streamer.stream.internal import candidate_of

    mark = b"\x00part\x00"
    return Kind([mark.join(candidate_parts())], lambda data: candidate_of(data.split(mark)))


def replies(folder: Path) -> Kind:
    """What the hub gets from a recogniser."""
    from fuzz.examples import reply_payloads
    from streamer.stream.internal import reply_of

    return Kind(reply_payloads(), reply_of)


def settings(folder: Path) -> Kind:
    """TOML files of both programs."""
    from configs.load import load_settings, shipped
    from configs.schema import LiveSettings
    from configs.training import TrainSettings

    def read(path: Path) -> None:
        kind = LiveSettings if b"[stream]" in path.read_bytes() else TrainSettings
        load_settings(kind, path)

    names = ("live.toml", "train.toml", "presets/paper.toml", "presets/shipped.toml")
    return Kind([shipped(name).read_bytes() for name in names], _through_file(folder, "settings.toml", read))


def images(folder: Path) -> Kind:
    """Of databases and folders: the four formats, and those that must not reach a decoder."""
    from ahmsa.images.read import read_image, read_pixels
    from fuzz.examples import image_files

    def read(path: Path) -> None:
        read_image(path)
        read_pixels(path)

    return Kind(image_files(), _through_file(folder, "image.png", read))


def videos(folder: Path) -> Kind:
    """The frames of a file, the first sixty."""
    from itertools import islice

    from configs.schema import SourceSettings
    from fuzz.examples import video_files
    from streamer.acquire.sources import SourceSpec, open_source

    def read(path: Path) -> None:
        with open_source(SourceSpec("video", str(path)), SourceSettings(), as_fast_as_possible=True) as source:
            for _ in islice(source, 60):
                pass

    return Kind(video_files(folder), _through_file(folder, "video.mp4", read))


def checkpoints(folder: Path) -> Kind:
    """Weights of others: loaded, named, and asked."""
    import numpy as np

    from ahmsa.model.checkpoint import Checkpoint
    from fuzz.examples import checkpoint_file

    def read(path: Path) -> None:
        loaded = Checkpoint.load(path)
        assert len(loaded.id) == 12
        answers = loaded.predict(np.full((1, 3, 28, 28), 0.5, np.float32))
        assert np.isfinite(answers).all(), "an answer is no number"

    return Kind([checkpoint_file(folder)], _through_file(folder, "checkpoint.safetensors", read))


def workbooks(folder: Path) -> Kind:
    """Annotations of databases: .xls, .xlsx and .csv.

    One in a hundred is read by the child that the program starts, the others by a copy of this process that does the same:
    to start an interpreter takes a hundred times as long as to read.
    """
    import fuzz.copied
    from ahmsa.databases.files import workbook_apart
    from ahmsa.databases.files.workbook import read_sheets
    from fuzz.examples import workbook_files

    started, number = workbook_apart.read_in_child, 0

    def read(path: Path) -> object:
        nonlocal number
        number += 1
        workbook_apart.read_in_child = started if number % 100 == 1 else fuzz.copied.read_in_copy
        return read_sheets(path)

    return Kind(workbook_files(folder), _through_file(folder, "book.xls", read))


def records(folder: Path) -> Kind:
    """The three text files of a recorded session, one after the other in one example each."""
    from fuzz.examples import recorded_session
    from streamer.session.reader import read_messages, read_session

    session = recorded_session(folder / "good")
    names = ("events.jsonl", "motion.csv", "session.json")
    good = {name: (session / name).read_bytes() for name in names}
    place = folder / "record"
    place.mkdir(exist_ok=True)

    def read(data: bytes) -> None:
        number, content = data[:1], data[1:]
        wanted = names[(number or b"\0")[0] % 3]
        for name in names:
            (place / name).write_bytes(content if name == wanted else good[name])
        read_session(place)
        for _ in read_messages(place):
            pass

    return Kind([bytes([number]) + good[name] for number, name in enumerate(names)], read)


def tables(folder: Path) -> Kind:
    """Comma-separated tables: intervals, times of images, times of a recorded video's frames."""
    from spotting.evaluate.tables import read_intervals
    from streamer.acquire.playback import _timestamps
    from streamer.acquire.video_file import _sidecar

    def read(path: Path) -> None:
        read_intervals(path, 30.0)
        _timestamps(path)
        _sidecar(path)

    intervals = b"video,onset,apex,offset,type\n" + b"".join(b"a,%d,%d,%d,micro\n" % (n, n + 5, n + 9) for n in range(0, 90, 9))
    times = b"file,t_ms\n" + b"".join(b"img%d.png,%d.5\n" % (n, 33 * n) for n in range(20))
    sidecar = b"index,t_capture_ns\n" + b"".join(b"%d,%d\n" % (n, 33_333_333 * n) for n in range(20))
    reads = {b"v": lambda path: read_intervals(path, 30.0), b"f": _timestamps, b"i": _sidecar}
    return Kind(
        [intervals, times, sidecar],
        _through_file(folder, "table.csv", lambda path: reads.get(path.read_bytes()[:1], read)(path)),
    )


def results(folder: Path) -> Kind:
    """What a training run leaves: a part, and its figures."""
    from fuzz.examples import part_file
    from train.execution.tasks import read_result
    from train.experiment.runner import read_results

    def read(path: Path) -> None:
        if path.read_bytes()[:2] == b"PK":
            read_result(path)
        else:
            path.replace(path.with_name("results.json"))
            read_results(path.parent)

    figures = b'{"format":"ahmsa-run-1","preset":{},"data":{"name":"a","samples":3,"subjects":[["a","b"]],"classes":{"x":1}}}'
    return Kind([part_file(folder), figures], _through_file(folder, "part.npz", read))


KINDS: dict[str, Callable[[Path], Kind]] = {
    one.__name__: one
    for one in (messages, candidates, replies, settings, images, videos, checkpoints, workbooks, records, tables, results)
}
