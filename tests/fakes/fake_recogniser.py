"""A recogniser without torch and weights, and worker processes and threads that run it."""

import threading

from ahmsa.types import LABELS, Emotion, FlowMap
from streamer.recognise.worker import Worker


class Recognition:
    def __init__(self, apex):
        mean = float(apex.pixels.mean()) / 255
        probabilities = dict(zip(LABELS, (0.0, mean, 1 - mean), strict=True))
        self.emotion = Emotion("positive", probabilities, mean, calibrated=True)
        self.flow_map = FlowMap(uvs=None, peak_px=2.0, mean_px=0.5, strain_peak=0.1, fallback=False)


class Recogniser:
    """Answers by the apex's brightness, so that another apex is another answer."""

    model_id, device, crop_px = "fake", "cpu", 128

    def recognise(self, pairs):
        return [Recognition(pair.apex) for pair in pairs]


class ThreadWorker:
    """A worker in a thread of this process."""

    def __init__(self, endpoint, recogniser, keys=None):
        self._stopped = threading.Event()
        self._worker = Worker(endpoint, keys)
        self.endpoint = self._worker.endpoint
        self._thread = threading.Thread(target=self._worker.serve, args=(lambda: recogniser, self._stopped.is_set))
        self._thread.start()

    def stop(self):
        if not self._stopped.is_set():
            self._stopped.set()
            self._thread.join()
            self._worker.close()


def run_fake_worker(task, stopped):
    """In the place of `streamer.recognise.worker.run_worker`, in a process of its own."""
    worker = Worker(task.endpoint)
    try:
        worker.serve(Recogniser, stopped)
    finally:
        worker.close()
