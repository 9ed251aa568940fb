"""Binding and naming of ZeroMQ endpoints, with errors a person can act on."""

from __future__ import annotations

import errno
import ipaddress
from pathlib import Path
from socket import socket as stdlib_socket
from typing import Any

import zmq

from ahmsa.errors import StreamError

_LAST_PORT = 65535


def bound(socket: zmq.Socket[Any], endpoint: str) -> str:
    """Bind, and return the endpoint as it really is (`tcp://127.0.0.1:*` gets its port). Raises StreamError."""
    _check_port(endpoint)
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        raise StreamError(_sentence(endpoint, error)) from None
    return socket.getsockopt_string(zmq.LAST_ENDPOINT)


def connected(socket: zmq.Socket[Any], endpoint: str) -> None:
    """Connect. Raises StreamError where the endpoint cannot be one; a peer that is not there yet is no error."""
    _check_port(endpoint)
    try:
        socket.connect(endpoint)
    except zmq.ZMQError as error:
        raise StreamError(f"{endpoint} is no endpoint to connect to ({error.strerror}); use tcp://HOST:PORT") from None


def is_loopback(endpoint: str) -> bool:
    """Whether only this machine can reach the endpoint."""
    scheme, _, address = endpoint.partition("://")
    host = address.rpartition(":")[0].strip("[]")
    if scheme != "tcp" or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def local_endpoint(folder: Path, name: str) -> str:
    """A private endpoint of this machine: ipc in `folder`, or a free loopback port where ipc is missing (Windows)."""
    path = folder / name
    # The kernel's limit for the path of such a socket is about 107 bytes.
    if zmq.has("ipc") and len(str(path)) < 100:
        return f"ipc://{path}"
    with stdlib_socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


def _check_port(endpoint: str) -> None:
    """ZeroMQ takes 70000 for 4464 without a word."""
    port = endpoint.rpartition(":")[2]
    if endpoint.startswith("tcp://") and port.isdigit() and int(port) > _LAST_PORT:
        raise StreamError(f"{endpoint} has no such port: the last one is {_LAST_PORT}")


def _sentence(endpoint: str, error: zmq.ZMQError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{endpoint} is in use: another program listens there; stop it, or choose another port"
    if error.errno in (errno.ENODEV, errno.EADDRNOTAVAIL):
        return f"{endpoint} cannot be bound: this machine has no such address; use tcp://127.0.0.1:PORT or one of its own"
    if error.errno == errno.EACCES:
        return f"{endpoint} cannot be bound: permission denied; use a port above 1023"
    return f"{endpoint} cannot be bound ({error.strerror}); use tcp://127.0.0.1:PORT"
