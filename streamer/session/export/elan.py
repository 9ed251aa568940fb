"""ELAN annotation files (.eaf, format 3.0). Times are whole milliseconds there, and points become annotations of a frame."""

from __future__ import annotations

import mimetypes
from datetime import datetime, timezone
from pathlib import Path
from xml.etree import ElementTree as Xml

from streamer.session.export.tiers import Tier, tiers_of
from streamer.session.session import Session

_POINT_MS = 40
_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"


def write_elan(session: Session, path: Path) -> None:
    """Write one .eaf file; an analysed video is linked."""
    path.write_bytes(_document(tiers_of(session), session.record.video))


def _document(tiers: list[Tier], video: str | None) -> bytes:
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    about = {"AUTHOR": "ahmsa", "DATE": now, "FORMAT": "3.0", "VERSION": "3.0"}
    root = Xml.Element("ANNOTATION_DOCUMENT", {**about, "xmlns:xsi": _INSTANCE, "xsi:noNamespaceSchemaLocation": _SCHEMA})
    header = Xml.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    if video is not None:
        mime = mimetypes.guess_type(video)[0] or "video/*"
        Xml.SubElement(header, "MEDIA_DESCRIPTOR", MEDIA_URL=Path(video).absolute().as_uri(), MIME_TYPE=mime)
    order = Xml.SubElement(root, "TIME_ORDER")
    slots = annotations = 0
    for tier in tiers:
        element = Xml.SubElement(root, "TIER", TIER_ID=tier.name, LINGUISTIC_TYPE_REF="default-lt")
        for start_ms, end_ms, text in _in_ms(tier):
            slots, annotations = slots + 2, annotations + 1
            for number, value in ((slots - 1, start_ms), (slots, end_ms)):
                Xml.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=f"ts{number}", TIME_VALUE=str(value))
            outer = Xml.SubElement(element, "ANNOTATION")
            inner = Xml.SubElement(
                outer,
                "ALIGNABLE_ANNOTATION",
                ANNOTATION_ID=f"a{annotations}",
                TIME_SLOT_REF1=f"ts{slots - 1}",
                TIME_SLOT_REF2=f"ts{slots}",
            )
            Xml.SubElement(inner, "ANNOTATION_VALUE").text = text
    Xml.SubElement(header, "PROPERTY", NAME="lastUsedAnnotationId").text = str(annotations)
    Xml.SubElement(root, "LINGUISTIC_TYPE", LINGUISTIC_TYPE_ID="default-lt", TIME_ALIGNABLE="true", GRAPHIC_REFERENCES="false")
    Xml.indent(root)
    document: bytes = Xml.tostring(root, encoding="UTF-8", xml_declaration=True)
    return document


def _in_ms(tier: Tier) -> list[tuple[int, int, str]]:
    """Whole milliseconds, each annotation at least one long and none over the next."""
    times = []
    for span in tier.spans:
        start = round(span.start_s * 1000)
        end = start + _POINT_MS if tier.points else round(span.end_s * 1000)
        times.append((start, max(end, start + 1), span.text))
    starts = [start for start, _, _ in times[1:]]
    cut = [(start, min(end, after), text) for (start, end, text), after in zip(times, starts, strict=False)] + times[-1:]
    return [(start, end, text) for start, end, text in cut if end > start]
