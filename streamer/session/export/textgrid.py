"""Praat TextGrids in the long text format: intervals for movements and gates, points for apexes and markers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from streamer.session.export.tiers import Span, Tier, end_s, tiers_of
from streamer.session.session import Session


def write_textgrid(session: Session, path: Path) -> None:
    """Write one .TextGrid file."""
    tiers = tiers_of(session)
    length = end_s(session, tiers)
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {length:.6f}"]
    lines += ["tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, tier in enumerate(tiers, start=1):
        lines.append(f"    item [{number}]:")
        lines += [f"        {line}" for line in (_points(tier, length) if tier.points else _intervals(tier, length))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _points(tier: Tier, length: float) -> Iterator[str]:
    yield from ('class = "TextTier"', f"name = {_quoted(tier.name)}", "xmin = 0", f"xmax = {length:.6f}")
    # Praat allows one point at a time.
    points: dict[str, str] = {}
    for span in tier.spans:
        at = f"{span.start_s:.6f}"
        points[at] = f"{points[at]}; {span.text}" if at in points else span.text
    yield f"points: size = {len(points)}"
    for number, (at, text) in enumerate(points.items(), start=1):
        yield from (f"points [{number}]:", f"    number = {at}", f"    mark = {_quoted(text)}")


def _intervals(tier: Tier, length: float) -> Iterator[str]:
    filled = list(_filled(tier.spans, length))
    yield from ('class = "IntervalTier"', f"name = {_quoted(tier.name)}", "xmin = 0", f"xmax = {length:.6f}")
    yield f"intervals: size = {len(filled)}"
    for number, span in enumerate(filled, start=1):
        yield f"intervals [{number}]:"
        yield from (f"    xmin = {span.start_s:.6f}", f"    xmax = {span.end_s:.6f}", f"    text = {_quoted(span.text)}")


def _filled(spans: list[Span], length: float) -> Iterator[Span]:
    """With empty intervals between: a tier of Praat has no holes."""
    at = 0.0
    for span in spans:
        start, end = round(span.start_s, 6), min(round(span.end_s, 6), length)
        if start > at:
            yield Span(at, start, "")
        if end > max(start, at):
            yield Span(max(start, at), end, span.text)
            at = end
    if at < length:
        yield Span(at, length, "")


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
