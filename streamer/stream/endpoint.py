"""Endpoints as people type them."""

from __future__ import annotations

import re

_SHORT = re.compile(r"(?:(?P<host>[^\s/:]+|\[[0-9A-Fa-f:.]+\]):)?(?P<port>\d+|\*)")


def full_endpoint(given: str) -> str:
    """`5556` and `localhost:5556` are tcp://127.0.0.1:5556, `gpu-box:5557` is tcp://gpu-box:5557; all else stays as it is.

    ZeroMQ cannot bind to the name localhost, so it becomes the address.
    """
    short = _SHORT.fullmatch(given)
    whole = f"tcp://{short['host'] or '127.0.0.1'}:{short['port']}" if short else given
    return re.sub(r"^tcp://localhost:", "tcp://127.0.0.1:", whole)
