"""The page's server: one loopback port, in a thread beside the hub."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Any

import uvicorn
import zmq

from ahmsa.errors import StreamError
from ahmsa.work.threads import Supervised
from streamer.web.app import Marks, page_app
from streamer.web.feed import Feed
from streamer.web.token import page_token

_LOOPBACK = "127.0.0.1"
_GRACE_S = 1
_LONGEST_SILENCE_S = 30.0


class PageServer:
    """Listening from its construction on; raises StreamError where the port is taken. Port 0 takes any free one."""

    def __init__(self, context: zmq.Context[Any], port: int, preview_endpoint: str, mark: Marks) -> None:
        self._socket = _listening(port)
        self.feed = Feed(context, preview_endpoint)
        port = self._socket.getsockname()[1]
        token = page_token()
        self.address = f"http://{_LOOPBACK}:{port}/?token={token}"
        hosts = [f"{name}:{port}" for name in (_LOOPBACK, "localhost")]
        config = uvicorn.Config(
            page_app(self.feed, mark, hosts=hosts, token=token),
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
        )
        self._server = uvicorn.Server(config)
        self._thread = Supervised("page server", self._run)
        self._thread.start()

    def check(self) -> None:
        """Raise where one of its threads has died."""
        self.feed.thread.check(_LONGEST_SILENCE_S)
        self._thread.check(float("inf"))

    def close(self) -> None:
        self.feed.close()
        self._server.should_exit = True
        self._thread.join(2 * _GRACE_S)
        self._socket.close()

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))


def _listening(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform != "win32":  # there it would let two programs have one port
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((_LOOPBACK, port))
    except OSError as error:
        listening.close()
        raise StreamError(f"the page cannot be served at port {port} ({error.strerror}); name another: --web 8080") from None
    listening.listen(16)
    return listening
