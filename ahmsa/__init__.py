"""WHAT is it? Nouns, face alignment, 3D flow, the network, its checkpoint, the recogniser.

What users of the library call stands here by name, and is imported on first use:

    ahmsa.load_session(folder)    a recorded session: events, markers, signal, clocks
"""

from importlib import import_module

_PUBLIC = {"load_session": "streamer.session.session"}


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
