"""Who may talk to the page's server: this machine, by the page's own address, with the token."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Nothing is loaded from elsewhere, kept by the browser, or passed to other pages."""


class Guard:
    """Passes on only what comes under one of the page's own host names (a foreign name that resolves to this machine is a
    rebinding attack), from no other origin, and with the token; every answer carries the headers above.

    open_paths: what may be had without the token: the program's own scripts and styles, which hold no secret.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str], token: str, open_paths: Collection[str]) -> None:
        self._app = app
        self._hosts, self._token, self._open_paths = frozenset(hosts), token, frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        reason = self._refusal(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        answer = self._app if reason is None else PlainTextResponse(f"{reason}\n", status_code=403)
        await answer(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        if headers.get("host", "").lower() not in self._hosts:
            return "this address does not lead here: open the one that ahmsa-live printed"
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in {f"http://{host}" for host in self._hosts}:
            return "another page may not ask here"
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return "another page may not ask here"
        if scope["path"] in self._open_paths:
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if not secrets.compare_digest(given.encode(), self._token.encode()):
            return "the token is missing or old: open the address that ahmsa-live printed"
        return None
