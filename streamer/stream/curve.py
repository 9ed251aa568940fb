"""Who may talk to whom: CURVE, the encryption and authentication that ZeroMQ brings along.

A key folder (`ahmsa-keys FOLDER`) belongs to a study:

    server.secret, server.public     of the sides that listen: the stream of `ahmsa-live`, and `ahmsa-worker`
    client.secret, client.public     of the sides that connect: `ahmsa-watch`, subscribers, and `ahmsa-live` towards a worker
    clients/NAME/                    what one more client gets: its own pair and the public half of the server's

The listening side admits the clients of its folder, and nobody else; the connecting side talks to that server only. Any other
connection is closed before a message goes either way. A key is one line, `ahmsa-key-1 server secret ...`; secrets are for their
owner alone (0600), and others are not used.
"""

from __future__ import annotations

import re
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import zmq
from zmq.auth.thread import ThreadAuthenticator

from ahmsa.errors import RunError, UsageError
from ahmsa.files import private_folder, read_limited, write_whole
from streamer.stream.sockets import check_endpoint, is_loopback

Role = Literal["server", "client"]
CLIENTS = "clients"
_FORMAT = "ahmsa-key-1"
_LINE = re.compile(rf"{_FORMAT} (server|client) (secret|public) ([!-~]{{40}})")
_KEY_BYTES = 1000
_DOMAIN = b"ahmsa"


@dataclass(frozen=True)
class Keys:
    """One side's pair, and those whom it knows. Keys are printable bytes (Z85)."""

    role: Role
    public: bytes
    secret: bytes = field(repr=False)
    server: bytes
    """Public key of the server."""
    admitted: frozenset[bytes]
    """Public keys of the clients that a server admits."""


def make_keys(folder: Path, client: str | None = None) -> list[Path]:
    """Make a key folder, or with `client` one more client of it; returns what was written.

    Raises UsageError where there are keys already, or none to make a client of, RunError where it cannot be written.
    """
    if client is None:
        if (folder / "server.secret").exists():
            raise UsageError(f"{folder} holds keys already: those who have them would be locked out; name another folder")
        return [*_make_pair(folder, "server"), *_make_pair(folder, "client")]
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,60}", client):
        raise UsageError(f"{client!r} is no name for a client: use letters, digits, - and _")
    server = _read(folder / "server.public", "server", "public")
    place = folder / CLIENTS / client
    if (place / "client.secret").exists():
        raise UsageError(f"{place} holds keys already; name another client")
    written = _make_pair(place, "client")
    return [*written, _write(place / "server.public", "server", "public", server)]


def load_keys(folder: Path, role: Role) -> Keys:
    """The keys of one side. Raises UsageError that says which is missing, damaged, of the wrong kind, or readable by others."""
    secret = _read(folder / f"{role}.secret", role, "secret")
    public: bytes = zmq.curve_public(secret)
    if role == "client":
        return Keys(role, public, secret, _read(folder / "server.public", "server", "public"), frozenset())
    others = [folder / "client.public", *sorted((folder / CLIENTS).glob("*/client.public"))]
    admitted = frozenset(_read(path, "client", "public") for path in others if path.exists())
    if not admitted:
        raise UsageError(f"{folder} holds no client.public, so that nobody could be admitted: copy it there, or make new keys")
    return Keys(role, public, secret, public, admitted)


def lock(socket: zmq.Socket[Any], keys: Keys) -> None:
    """Encrypt and authenticate a socket; before it is bound or connected."""
    socket.setsockopt(zmq.CURVE_SECRETKEY, keys.secret)
    socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.public)
    if keys.role == "server":
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.ZAP_DOMAIN, _DOMAIN)
    else:
        socket.setsockopt(zmq.CURVE_SERVERKEY, keys.server)


class Authenticator:
    """Admits known clients to the locked sockets of a context. To be there before they are bound, and closed before them."""

    def __init__(self, context: zmq.Context[Any], keys: Keys) -> None:
        self._admitted = keys.admitted
        self._authenticator = ThreadAuthenticator(context)
        self._authenticator.start()
        self._authenticator.configure_curve_callback(_DOMAIN.decode(), self)

    def callback(self, domain: str, key: bytes) -> bool:  # noqa: ARG002 (called by the authenticator)
        return key in self._admitted

    def close(self) -> None:
        self._authenticator.stop()


def require_lock(endpoint: str, *, locked: bool, insecure: bool) -> None:
    """UsageError where an endpoint that other machines can reach would be bound without keys, unless that is asked for."""
    check_endpoint(endpoint)
    if not locked and not insecure and not is_loopback(endpoint):
        raise UsageError(
            f"{endpoint} can be reached from other machines: give --curve FOLDER (ahmsa-keys makes the keys), "
            "or --insecure to go without password and encryption"
        )


def _make_pair(folder: Path, role: Role) -> list[Path]:
    public, secret = zmq.curve_keypair()
    try:
        private_folder(folder)
    except OSError as error:
        raise RunError(f"cannot make keys in {folder}: {error.strerror}; name another folder") from None
    return [
        _write(folder / f"{role}.secret", role, "secret", secret),
        _write(folder / f"{role}.public", role, "public", public),
    ]


def _write(path: Path, role: Role, half: str, key: bytes) -> Path:
    write_whole(path, f"{_FORMAT} {role} {half} {key.decode()}\n", private=half == "secret")
    return path


def _read(path: Path, role: Role, half: Literal["secret", "public"]) -> bytes:
    try:
        text = read_limited(path, _KEY_BYTES).decode("ascii", errors="replace").strip()
        is_open = sys.platform != "win32" and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except OSError as error:
        reason = "there is no" if isinstance(error, FileNotFoundError) else f"cannot read ({error.strerror})"
        raise UsageError(
            f"{reason} {path}: make keys with `ahmsa-keys FOLDER`, or copy them from where they were made"
        ) from None
    found = _LINE.fullmatch(text)
    if found is None:
        raise UsageError(f"{path} is no key or was cut off: copy it again, or make new keys with `ahmsa-keys FOLDER`")
    if found[1] != role or found[2] != half:
        raise UsageError(f"{path} holds the {found[2]} key of a {found[1]} where the {half} key of a {role} is wanted")
    if half == "secret" and is_open:
        raise UsageError(f"{path} can be read by others: do `chmod 600 {path}`, or make new keys if they may have read it")
    key = found[3].encode()
    try:
        zmq.curve_public(key)
    except zmq.ZMQError:
        raise UsageError(f"{path} is no key or was damaged: copy it again, or make new keys with `ahmsa-keys FOLDER`") from None
    return key
