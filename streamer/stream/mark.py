"""Who sets a marker inside the program itself; light, for views that know no sockets."""

from __future__ import annotations

from typing import Protocol


class Mark(Protocol):
    """Sets a marker with this text, of that moment."""

    def __call__(self, text: str, *, t_monotonic_ns: int) -> None: ...
