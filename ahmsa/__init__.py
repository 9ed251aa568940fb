"""WHAT is it? Nouns, face alignment, 3D flow, the network, its checkpoint, the recogniser.

What users of the library call stands here by name, and is imported on first use:

    ahmsa.analyse("talk.mp4")        a video's micro-expressions, as a Session
    ahmsa.watch(0)                   those of a camera, as they come
    ahmsa.recognise(onset, apex)     what moved between two pictures of a face, as an Emotion
    ahmsa.stream()                   the messages of a running ahmsa-live, as an EmotionStream
    ahmsa.load_session(folder)       a recorded session: events, markers, signal, clocks
"""

from importlib import import_module
from typing import Any

from ahmsa.shadows import check_shadows

_PUBLIC = {
    "analyse": "streamer.offline.library:analyse",
    "watch": "streamer.offline.library:watch",
    "recognise": "ahmsa.model.pair:recognise",
    "stream": "streamer.stream.client:EmotionStream",
    "load_session": "streamer.session.session:load_session",
}
__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("ahmsa")
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _PUBLIC[name].partition(":")
    check_shadows()
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC, "__version__"})
