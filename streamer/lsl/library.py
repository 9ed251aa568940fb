"""pylsl, and the way between its clock and the monotonic clock."""

from __future__ import annotations

from time import monotonic_ns
from typing import Any

from ahmsa.errors import UsageError

_READINGS = 5


def pylsl_module() -> Any:
    """Raises UsageError where pylsl or the library in it is missing."""
    try:
        import pylsl
    except (ImportError, RuntimeError) as error:  # the wheel for old systems comes without liblsl
        reason = "" if isinstance(error, ImportError) else f" ({str(error).splitlines()[0]})"
        raise UsageError(f"LSL needs pylsl with liblsl{reason}; install it with: pip install 'ahmsa[lsl]'") from None
    return pylsl


def lsl_ahead_s(pylsl: Any) -> float:
    """The LSL clock minus the monotonic clock, seconds: of a few readings the one that took the shortest."""
    best: tuple[int, float] | None = None
    for _ in range(_READINGS):
        before_ns = monotonic_ns()
        lsl_s = float(pylsl.local_clock())
        after_ns = monotonic_ns()
        if best is None or after_ns - before_ns < best[0]:
            best = (after_ns - before_ns, lsl_s - (before_ns + after_ns) / 2e9)
    assert best is not None
    return best[1]
