"""What the page's server answers: the page, its stream of events, and markers."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Callable
from importlib.resources import files
from pathlib import PurePosixPath
from time import monotonic_ns
from typing import Protocol

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from ahmsa.untrusted import JsonDecoder
from spotting.advice import advice_without_figures
from streamer.stream.markers import Answered, MarkerReply, MarkerRequest
from streamer.web.feed import MOST_PAGES, Feed
from streamer.web.guard import Guard

_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
_STATIC = ("page.js", "picture.js", "signal.js", "movements.js", "words.js", "page.css", "icon.svg")
_ADVICE = "/advice.js"
"""What to do about a gate, in the words of `spotting/advice.py`."""
_MARKER_BYTES = 4096
_ANSWER_S = 5.0


class Marks(Protocol):
    """`LiveSession.mark`."""

    def __call__(
        self,
        text: str,
        value: float | None = None,
        *,
        source: str = ...,
        t_monotonic_ns: int | None = None,
        answered: Answered | None = None,
    ) -> None: ...


class _Wish(msgspec.Struct, frozen=True):
    text: str
    value: int | float | None = None


_wish_decoder: JsonDecoder[_Wish] = JsonDecoder(_Wish, limit_bytes=_MARKER_BYTES)


def page_app(feed: Feed, mark: Marks, *, hosts: list[str], token: str) -> ASGIApp:
    """The server's application. hosts: the names and ports under which it may be asked."""
    pages = files("streamer.web") / "static"
    page = (pages / "page.html").read_text(encoding="utf-8").replace("{{token}}", html.escape(token))

    async def index(_: Request) -> Response:
        return Response(page, media_type="text/html; charset=utf-8")

    async def events(_: Request) -> Response:
        if feed.pages >= MOST_PAGES:
            return PlainTextResponse("too many pages are open: close one\n", status_code=503)
        return StreamingResponse(feed.listen(), media_type="text/event-stream")

    async def marker(request: Request) -> Response:
        return await _set_marker(request, mark)

    def static(name: str) -> Callable[[Request], Response]:
        content = (pages / name).read_bytes()
        return lambda _: Response(content, media_type=_TYPES[PurePosixPath(name).suffix])

    words = f"export const ADVICE = {msgspec.json.encode(advice_without_figures()).decode()};\n"

    async def advice(_: Request) -> Response:
        return Response(words, media_type=_TYPES[".js"])

    app = Starlette(
        routes=[
            Route("/", index),
            Route("/events", events),
            Route("/marker", marker, methods=["POST"]),
            Route(_ADVICE, advice),
            *(Route(f"/{name}", static(name)) for name in _STATIC),
        ]
    )
    return Guard(app, hosts=hosts, token=token, open_paths=[_ADVICE, *(f"/{name}" for name in _STATIC)])


async def _set_marker(request: Request, mark: Marks) -> Response:
    """POST {"text": "film 3", "value": 3}: answered when the marker is in the record."""
    arrived_ns = monotonic_ns()
    try:
        wish = _wish_decoder.decode(await _body(request))
        MarkerRequest(text=wish.text)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        return _answer(MarkerReply(ok=False, error=f"a marker is a JSON object with a text: {error}"), 400)
    loop = asyncio.get_running_loop()
    done: asyncio.Future[MarkerReply] = loop.create_future()

    def note(reply: MarkerReply) -> None:
        if not done.done():  # the request has ended
            done.set_result(reply)

    def answered(reply: MarkerReply) -> None:
        loop.call_soon_threadsafe(note, reply)

    mark(wish.text, wish.value, source="page", t_monotonic_ns=arrived_ns, answered=answered)
    try:
        reply = await asyncio.wait_for(done, _ANSWER_S)
    except (asyncio.TimeoutError, TimeoutError):
        return _answer(MarkerReply(ok=False, error="the marker was not answered: has the session ended?"), 504)
    return _answer(reply, 200 if reply.ok else 400)


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MARKER_BYTES:
            raise ValueError(f"it is longer than {_MARKER_BYTES} bytes")
    return body


def _answer(reply: MarkerReply, status: int) -> Response:
    return Response(msgspec.json.encode(reply), status_code=status, media_type="application/json")
