"""A user's own `configs/` or `streamer.py` beside their script comes first on the path, and would be taken for ours."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("spotting", "configs", "train", "streamer")
_HOME = Path(__file__).resolve().parent.parent


def check_shadows() -> None:
    """Raises ImportError with the name of the file that stands where one of the project's packages should."""
    for package in PACKAGES:
        spec = find_spec(package)
        if spec is None:
            continue  # an import will say so
        places = [Path(place) for place in (spec.submodule_search_locations or [spec.origin or ""])]
        if _HOME / package not in [place.resolve() for place in places]:
            raise ImportError(
                f"{spec.origin or places[0]} stands before ahmsa's own package {package}: rename it, or start Python elsewhere"
            )
