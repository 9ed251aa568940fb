"""Good inputs, small ones, to be damaged."""

from __future__ import annotations

from pathlib import Path

import cv2
import msgspec
import numpy as np

from ahmsa.types import AlignedFace, Candidate, FaceQuality


def candidate_parts() -> list[bytes]:
    from streamer.stream.internal import parts_of

    return parts_of(Candidate("f0-1", 0, "provisional", _face(10), _face(15), 2.5, reason="blink"))


def reply_payloads() -> list[bytes]:
    from streamer.stream.internal import Answer, Refusal, WorkerReady, encode_reply

    answer = Answer(
        event_id="f0-1",
        onset_index=10,
        apex_index=15,
        label="positive",
        probabilities={"negative": 0.1, "positive": 0.8, "surprise": 0.1},
        confidence=0.8,
        calibrated=True,
        abstained=None,
        amplitude_px=1.25,
        model="0123456789ab",
        recognise_ms=12.5,
    )
    ready = WorkerReady(instance="a1b2", model="0123456789ab", device="cpu", crop_px=128)
    return [encode_reply(one) for one in (answer, ready, Refusal(event_id="f0-1", sentence="64 px crops only"))]


def image_files() -> list[bytes]:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    suffixes = (".png", ".jpg", ".bmp", ".tif", ".webp", ".jp2", ".ppm")
    coded = [cv2.imencode(suffix, noise)[1].tobytes() for suffix in suffixes]
    return [*coded, cv2.imencode(".png", noise[..., 0].astype(np.uint16) * 200)[1].tobytes()]


def video_files(folder: Path) -> list[bytes]:
    found = []
    rng = np.random.default_rng(0)
    for name, code in (("a.mp4", "mp4v"), ("a.avi", "MJPG"), ("a.mkv", "MJPG")):
        writer = cv2.VideoWriter(str(folder / name), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*code), 30.0, (96, 64))
        for _ in range(20):
            writer.write(rng.integers(0, 256, (64, 96, 3), dtype=np.uint8))
        writer.release()
        found.append((folder / name).read_bytes())
    return found


def checkpoint_file(folder: Path) -> bytes:
    from ahmsa.model.checkpoint import Checkpoint
    from ahmsa.model.net import AhmsaNet
    from ahmsa.settings import NetSettings

    net = NetSettings(channels=(6, 12, 24), heads=(3, 3, 3), blocks=(1, 1, 1))
    path = folder / "good.safetensors"
    Checkpoint(tuple(AhmsaNet(net).state_dict() for _ in range(2)), net, card={"subjects": ["a", "b"]}).save(path)
    return path.read_bytes()


def workbook_files(folder: Path) -> list[bytes]:
    import openpyxl
    import xlwt

    rows = [["Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Estimated Emotion"]]
    rows += [[f"{n % 26:02d}", f"EP02_{n:02d}f", 46, 59, 86, "happiness"] for n in range(1, 60)]
    old = xlwt.Workbook()
    sheet = old.add_sheet("a")
    new = openpyxl.Workbook()
    for number, row in enumerate(rows):
        new.active.append(row)
        for column, cell in enumerate(row):
            sheet.write(number, column, cell)
    old.save(str(folder / "a.xls"))
    new.save(folder / "a.xlsx")
    table = "\n".join(",".join(map(str, row)) for row in rows).encode()
    return [(folder / "a.xls").read_bytes(), (folder / "a.xlsx").read_bytes(), table]


def recorded_session(folder: Path) -> Path:
    from streamer.session.recorder import Recorder
    from streamer.stream.schema import decode, encode, topic_of

    golden = Path(__file__).parents[1] / "tests" / "streamer" / "golden" / "messages.jsonl"
    recorder = Recorder(folder, session="s1", source="demo", settings={"device": "cpu"})
    for message in sorted(map(decode, golden.read_bytes().splitlines()), key=lambda message: message.t_publish_ns):
        recorder.take(topic_of(message), encode(message))
    recorder.close("duration")
    return folder


def part_file(folder: Path) -> bytes:
    from train.execution.tasks import TaskResult, write_result

    whole = np.arange(6, dtype=np.int64)
    path = folder / "good.npz"
    write_result(path, TaskResult(whole[:2], whole, whole, whole, whole, np.full((2, 6, 3), 1 / 3, np.float32), 1.5))
    return path.read_bytes()


def json_texts() -> list[bytes]:
    """Documents that no schema knows."""
    return [msgspec.json.encode(value) for value in ({}, [], 7, "text", None, {"schema": "ahmsa.emotion/9"})]


def _face(index: int) -> AlignedFace:
    rng = np.random.default_rng(index)
    return AlignedFace(
        index=index,
        t_capture_ns=index * 33_333_333,
        face_id=0,
        pixels=rng.integers(0, 256, (64, 64), dtype=np.uint8),
        landmarks_px=rng.uniform(0, 64, (468, 2)).astype(np.float32),
        quality=FaceQuality(interocular_px=80.0, yaw_deg=1.0, luma=120.0, sharpness=90.0),
        alignment=rng.uniform(-1, 1, (2, 3)),
        anchor=1,
    )
