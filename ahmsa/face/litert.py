"""One TensorFlow Lite model on one core: the only module that imports the runtime (ai-edge-litert)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ahmsa.types import FloatArray


class LiteModel:
    """A model with one image as input. Not for two threads at once."""

    def __init__(self, path: Path) -> None:
        with _quiet_stderr():
            from ai_edge_litert.interpreter import Interpreter

            self._interpreter: Any = Interpreter(model_path=str(path), num_threads=1)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [output["index"] for output in self._interpreter.get_output_details()]

    def run(self, image: FloatArray) -> list[FloatArray]:
        """(1, h, w, 3) RGB in the model's range -> its outputs, in the model's order."""
        self._interpreter.set_tensor(self._input, image)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """The runtime's C++ start-up line goes to file descriptor 2, past Python; keep it off the user's screen."""
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)
