"""Documents of the right shape and absurd content, drawn by hypothesis."""

from __future__ import annotations

from functools import lru_cache

import msgspec
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

_DRAWN = 125

_texts = st.one_of(st.text(max_size=30), st.sampled_from(["", "\x1b[2J", "\u202e", "a" * 5000, "ahmsa.emotion/1", "confirmed"]))
_numbers = st.one_of(
    st.integers(),
    st.integers(min_value=-(2**70), max_value=2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
)
_values = st.recursive(
    st.one_of(_texts, _numbers),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_texts, inner, max_size=4)),
    max_leaves=12,
)
_names = (
    *("schema", "session", "seq", "source", "t_capture_ns", "event_id", "face_id", "label", "probabilities", "confidence"),
    *("calibrated", "abstained", "onset", "apex", "amplitude_px", "score", "model", "phase", "regions", "state", "fps"),
    *("captured", "processed", "onset_index", "apex_index", "recognise_ms", "sentence", "instance", "device", "crop_px"),
)
_schemas = st.sampled_from(
    [f"ahmsa.{kind}/1" for kind in ("emotion", "spot", "motion", "status", "marker", "candidate", "answer", "ready", "refusal")]
)
_documents = st.builds(
    lambda fields, schema: {**fields, "schema": schema},
    st.dictionaries(st.sampled_from(_names), _values, max_size=20),
    _schemas,
)


@lru_cache(maxsize=4)
def _drawn(number: int) -> list[bytes]:
    found: list[bytes] = []

    @seed(number)
    @settings(
        max_examples=_DRAWN, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(_documents)
    def keep(document: dict[str, object]) -> None:
        try:
            found.append(msgspec.json.encode(document))
        except (msgspec.MsgspecError, OverflowError, UnicodeError):
            return  # no JSON

    keep()
    return found


def json_documents(number: int, place: int) -> bytes | None:
    """One of the documents of a seed; the seeds follow one another where a run needs more."""
    drawn = _drawn(number * 1000 + place // _DRAWN)
    return drawn[place % _DRAWN] if place % _DRAWN < len(drawn) else None
