"""Signals that ask a program to end."""

from __future__ import annotations

import signal

# Windows has no SIGHUP and no SIGQUIT.
ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name)]
