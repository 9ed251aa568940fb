"""Every socket of the program is made here, with its limits; binding and naming of endpoints, with errors a person can act on.

A peer may send anything: parts beyond `largest_bytes` end its connection, messages of more parts than are known are passed
over. What cannot be limited: ZeroMQ holds a message in memory until its last part has come.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import re
from pathlib import Path
from socket import inet_aton, inet_ntoa
from socket import socket as stdlib_socket
from typing import Any

import zmq

from ahmsa.errors import StreamError, UsageError
from ahmsa.untrusted import MESSAGE_BYTES

_LAST_PORT = 65535
MOST_PARTS = 20
"""Parts of the largest message that is known, its envelope included."""
SUBSCRIPTION_BYTES = 4096
"""All that a PUB socket receives are subscriptions, and ZeroMQ spends a hundred bytes of memory on each byte of one."""
_ENDPOINT = re.compile(r"(tcp://[^/\s]+:(\d{1,5}|\*)|(ipc|inproc)://[^\x00]+)")


def make_socket(
    context: zmq.Context[Any],
    kind: int,
    *,
    high_water_mark: int = 1000,
    linger_ms: int = 0,
    largest_bytes: int = MESSAGE_BYTES,
) -> zmq.Socket[Any]:
    """A socket with limits.

    high_water_mark: messages queued in either direction; 0: without limit. linger_ms: how long the context waits at its end for
    what is on its way. largest_bytes: of one part that it takes in.
    """
    socket: zmq.Socket[Any] = context.socket(kind)
    socket.setsockopt(zmq.LINGER, linger_ms)
    socket.setsockopt(zmq.SNDHWM, high_water_mark)
    socket.setsockopt(zmq.RCVHWM, high_water_mark)
    socket.setsockopt(zmq.MAXMSGSIZE, SUBSCRIPTION_BYTES if kind in (zmq.PUB, zmq.XPUB) else largest_bytes)
    return socket


def receive(socket: zmq.Socket[Any], most_parts: int = MOST_PARTS) -> list[bytes]:
    """The parts of the message that has arrived; none of one that has too many, which is read part by part and forgotten."""
    parts = [socket.recv()]
    too_many = False
    while socket.getsockopt(zmq.RCVMORE):
        part = socket.recv()
        if len(parts) < most_parts and not too_many:
            parts.append(part)
        else:
            too_many = True
            parts.clear()
    return parts


def bound(socket: zmq.Socket[Any], endpoint: str) -> str:
    """Bind, and return the endpoint as it really is (`tcp://127.0.0.1:*` gets its port). Raises UsageError where it is none,
    StreamError where it cannot be had."""
    check_endpoint(endpoint)
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        raise StreamError(_sentence(endpoint, error)) from None
    return socket.getsockopt_string(zmq.LAST_ENDPOINT)


def connected(socket: zmq.Socket[Any], endpoint: str) -> None:
    """Connect. Raises UsageError where the endpoint cannot be one; a peer that is not there yet is no error."""
    check_endpoint(endpoint)
    try:
        socket.connect(endpoint)
    except zmq.ZMQError as error:
        raise UsageError(f"{endpoint} is no endpoint to connect to ({error.strerror}); use tcp://HOST:PORT") from None


def is_loopback(endpoint: str) -> bool:
    """Whether only this machine can reach the endpoint."""
    scheme, _, address = endpoint.partition("://")
    if scheme.lower() in ("ipc", "inproc"):
        return True
    host = address.rpartition(":")[0].strip("[]")
    if scheme.lower() != "tcp":
        return False
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError, OSError):
        known = ipaddress.ip_address(host if ":" in host else inet_ntoa(inet_aton(host)))  # 127.1 is 127.0.0.1
        mapped = known.ipv4_mapped if isinstance(known, ipaddress.IPv6Address) else None
        return (mapped or known).is_loopback
    return False


def check_endpoint(endpoint: str) -> None:
    """UsageError unless this is an endpoint. ZeroMQ takes port 70000 for 4464 without a word."""
    if not _ENDPOINT.fullmatch(endpoint):
        raise UsageError(f"{endpoint!r} is no endpoint: use tcp://HOST:PORT, as in tcp://127.0.0.1:5556")
    port = endpoint.rpartition(":")[2]
    if endpoint.startswith("tcp://") and port.isdigit() and int(port) > _LAST_PORT:
        raise UsageError(f"{endpoint} has no such port: the last one is {_LAST_PORT}")


def forget_file(endpoint: str) -> None:
    """Remove the file that a bound ipc endpoint leaves behind."""
    if endpoint.startswith("ipc://"):
        with contextlib.suppress(OSError):
            Path(endpoint.removeprefix("ipc://")).unlink(missing_ok=True)


def local_endpoint(folder: Path, name: str) -> str:
    """A private endpoint of this machine: ipc in `folder`, or a free loopback port where ipc is missing (Windows)."""
    path = folder / name
    # The kernel's limit for the path of such a socket is about 107 bytes.
    if zmq.has("ipc") and len(str(path)) < 100:
        return f"ipc://{path}"
    with stdlib_socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


def _sentence(endpoint: str, error: zmq.ZMQError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{endpoint} is in use: another program listens there; stop it, or choose another port"
    if error.errno in (errno.ENODEV, errno.EADDRNOTAVAIL):
        return f"{endpoint} cannot be bound: this machine has no such address; use tcp://127.0.0.1:PORT or one of its own"
    if error.errno == errno.EACCES:
        return f"{endpoint} cannot be bound: permission denied; use a port above 1023"
    return f"{endpoint} cannot be bound ({error.strerror}); use tcp://127.0.0.1:PORT"
