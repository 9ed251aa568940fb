"""What is installed by an extra only, and what to say when it is missing."""

from __future__ import annotations

from ahmsa.errors import UsageError

EXTRA_OF = {
    "sklearn": "train",
    "matplotlib": "train",
    "dlib": "databases",
    "face_recognition_models": "databases",
    "python_calamine": "databases",
    "openpyxl": "databases",
    "ray": "cluster",
    "pylsl": "lsl",
    "pyarrow": "parquet",
}
"""Module -> the extra that installs it."""


def missing_extra(module: str) -> UsageError | None:
    """The error for a module that cannot be imported; None where no extra would bring it."""
    top = module.partition(".")[0]
    if top not in EXTRA_OF:
        return None
    return UsageError(f"this needs {top}, which is not installed: pip install 'ahmsa[{EXTRA_OF[top]}]'")
