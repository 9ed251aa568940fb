"""The recogniser as a process of its own: questions come in, answers go back to whoever asked.

One ROUTER socket serves any number of clients. A client sends `hello` (answered by `ready`; also its heartbeat), `candidate`
and `retract`; it receives `ready`, `answer`, or `refused` with a sentence. Nothing that a client sends can end the worker.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Protocol

import zmq

from ahmsa.errors import AhmsaError, StreamError
from ahmsa.printable import printable
from ahmsa.settings import RecogniserSettings
from ahmsa.types import Candidate, Emotion, FacePair, FlowMap
from streamer.stream.curve import Authenticator, load_keys, lock, require_lock
from streamer.stream.internal import CANDIDATE, HELLO, RETRACT, Answer, Refusal, WorkerReady, candidate_of, encode_reply
from streamer.stream.messages import answer_of
from streamer.stream.sockets import bound, forget_file, make_socket, receive

_POLL_MS = 100
_WAITING_LIMIT = 256
_GPU_BATCH = 32


class Recognised(Protocol):
    @property
    def emotion(self) -> Emotion: ...
    @property
    def flow_map(self) -> FlowMap: ...


class Recognising(Protocol):
    """What the worker needs of ahmsa.model.recogniser.Recogniser."""

    @property
    def model_id(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def crop_px(self) -> int: ...
    def recognise(self, pairs: Sequence[FacePair]) -> Sequence[Recognised]: ...


@dataclass(frozen=True)
class WorkerTask:
    """What a worker is given at its start."""

    endpoint: str
    checkpoint: Path | None
    """None: the one that ships with the program."""
    settings: RecogniserSettings
    device: str
    curve: Path | None = None
    """Folder of keys: only clients that it admits may ask."""
    insecure: bool = False
    """Listen to other machines without keys."""


def run_worker(task: WorkerTask, stopped: Callable[[], bool]) -> None:
    """Bind, load, answer until `stopped()`. Raises AhmsaError where one of the first two fails."""
    worker = Worker(task.endpoint, task.curve, insecure=task.insecure)
    try:
        worker.serve(lambda: load_recogniser(task), stopped)
    finally:
        worker.close()


def check_recogniser(checkpoint: Path | None, device: str) -> None:
    """What can be known to be wrong before a process is started. Raises CheckpointError or DeviceError."""
    if checkpoint is not None:
        from ahmsa.model.header import read_header

        read_header(checkpoint)
    if device not in ("auto", "cpu"):  # these two are always there, and the question costs an import of torch
        from ahmsa.device import resolve_device

        resolve_device(device)


def load_recogniser(task: WorkerTask) -> Recognising:
    """The real one, warm. Takes seconds: torch is imported here."""
    import torch

    from ahmsa.model.checkpoint import Checkpoint, shipped
    from ahmsa.model.recogniser import Recogniser

    # The other cores belong to the capture process, and one thread gives the same sums on every machine.
    torch.set_num_threads(1)
    recogniser = Recogniser(Checkpoint.load(task.checkpoint or shipped()), task.settings, task.device)
    recogniser.warm_up()
    return recogniser


class Worker:
    """Binds its endpoint at once (raising StreamError where it is taken); `serve` loads the recogniser and answers."""

    def __init__(self, endpoint: str, curve: Path | None = None, *, insecure: bool = False) -> None:
        """curve: folder of keys, so that only clients it admits may ask; without one an endpoint that other machines can reach
        is a UsageError unless `insecure`."""
        require_lock(endpoint, locked=curve is not None, insecure=insecure)
        keys = None if curve is None else load_keys(curve, "server")
        self._context = zmq.Context()
        self._authenticator = None if keys is None else Authenticator(self._context, keys)
        self._socket = make_socket(self._context, zmq.ROUTER)
        # A client that reconnects under its old name gets the answers it was waiting for.
        self._socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
        if keys is not None:
            lock(self._socket, keys)
        self.endpoint = ""
        try:
            self.endpoint = bound(self._socket, endpoint)
        except AhmsaError:
            self.close()
            raise
        self._instance = secrets.token_hex(4)
        self._waiting: deque[tuple[bytes, Candidate]] = deque()

    def serve(
        self, load: Callable[[], Recognising], stopped: Callable[[], bool], tell: Callable[[WorkerReady], None] | None = None
    ) -> None:
        """Answer until `stopped()`; `tell` is called when it is ready to."""
        recogniser = load()
        # One by one on a CPU: a batch gains nothing there, and single answers are the same whatever else is waiting.
        batch = 1 if recogniser.device == "cpu" else _GPU_BATCH
        ready = WorkerReady(
            instance=self._instance, model=recogniser.model_id, device=recogniser.device, crop_px=recogniser.crop_px
        )
        if tell is not None:
            tell(ready)
        while not stopped():
            self._receive(0 if self._waiting else _POLL_MS, ready)
            questions = list(islice(self._waiting, batch))
            for _ in questions:
                self._waiting.popleft()
            if questions:
                self._answer(recogniser, questions)

    def close(self) -> None:
        self._socket.close()
        if self._authenticator is not None:
            self._authenticator.close()
        forget_file(self.endpoint)
        self._context.term()

    def _receive(self, timeout_ms: int, ready: WorkerReady) -> None:
        """Take what has arrived, up to a limit: who never stops talking must not keep the others from their answers.

        Waits at most `timeout_ms` for the first message.
        """
        for _ in range(_WAITING_LIMIT):
            if not self._socket.poll(timeout_ms):
                return
            timeout_ms = 0
            client, *parts = receive(self._socket) or [b""]
            match parts:
                case [] if not client:
                    continue  # more parts than any question has
                case [kind] if kind == HELLO:
                    self._reply(client, ready)
                case [kind, event_id] if kind == RETRACT:
                    self._forget(client, event_id)
                case [kind, *question] if kind == CANDIDATE:
                    self._ask(client, question)
                case _:
                    self._reply(client, Refusal(event_id=None, sentence="the worker knows hello, candidate and retract only"))

    def _ask(self, client: bytes, question: Sequence[bytes]) -> None:
        try:
            candidate, _ = candidate_of(question)
        except StreamError as error:
            self._reply(client, Refusal(event_id=None, sentence=str(error)))
            return
        except Exception as error:  # noqa: BLE001 (whatever one message does to its decoder, the next is taken)
            self._reply(client, Refusal(event_id=None, sentence=f"this question cannot be read ({type(error).__name__})"))
            return
        if len(self._waiting) >= _WAITING_LIMIT:
            owner, oldest = self._waiting.popleft()
            self._reply(owner, Refusal(event_id=oldest.event_id, sentence="the worker has too many questions waiting"))
        self._waiting.append((client, candidate))

    def _forget(self, client: bytes, event_id: bytes) -> None:
        name = event_id.decode(errors="replace")
        self._waiting = deque(item for item in self._waiting if (item[0], item[1].event_id) != (client, name))

    def _answer(self, recogniser: Recognising, questions: Sequence[tuple[bytes, Candidate]]) -> None:
        started = perf_counter()
        try:
            results = recogniser.recognise([candidate.pair for _, candidate in questions])
        except Exception as error:
            if recogniser.device != "cpu" and not isinstance(error, AhmsaError) and len(questions) == 1:
                raise  # a device that has failed once fails for ever: a fresh process may find it well
            if len(questions) > 1:
                # One question that cannot be answered must not cost those that came with it theirs.
                for question in questions:
                    self._answer(recogniser, [question])
            else:
                [(client, candidate)] = questions
                known = isinstance(error, AhmsaError)
                sentence = str(error) if known else f"it cannot be computed ({type(error).__name__}: {error})"
                self._reply(client, Refusal(event_id=candidate.event_id, sentence=printable(sentence)))
            return
        spent_ms = (perf_counter() - started) * 1e3
        for (client, candidate), result in zip(questions, results, strict=True):
            self._reply(client, answer_of(candidate, result.emotion, result.flow_map, recogniser.model_id, spent_ms))

    def _reply(self, client: bytes, reply: Answer | WorkerReady | Refusal) -> None:
        self._socket.send_multipart([client, encode_reply(reply)])
