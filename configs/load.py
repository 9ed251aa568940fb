"""TOML file + command-line overrides -> validated settings, with the path of whatever is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ahmsa.errors import SettingsError
from ahmsa.files import read_limited
from ahmsa.untrusted import UnreadableError, toml_values

_LARGEST_BYTES = 1 << 20

T = TypeVar("T", bound=msgspec.Struct)


def load_settings(kind: type[T], file: Path | None = None, overrides: Mapping[str, object] | None = None) -> T:
    """Settings of `kind`: its defaults, changed by a TOML file, changed by overrides.

    overrides: dotted name -> value, as in {"spotter.refractory_ms": 300}; None values are skipped, so that options which
    were not given on a command line can be passed on as they are.
    Raises SettingsError with the file and the key's path.
    """
    values = read_toml(file) if file is not None else {}
    for name, value in (overrides or {}).items():
        if value is not None:
            _put(values, name, value)
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        where = f"in {file}" if file is not None else "in the settings"
        raise SettingsError(f"{error}{_choices(kind, str(error))} {where}; see configs/ for every key and its range") from None


def read_toml(file: Path) -> dict[str, Any]:
    """A TOML file as nested dicts. Raises SettingsError when it is missing or malformed."""
    try:
        return toml_values(read_limited(file, _LARGEST_BYTES))
    except OSError as error:
        raise SettingsError(f"cannot read settings file {file}: {error.strerror or error}") from None
    except UnreadableError as error:
        raise SettingsError(f"{file} is not valid TOML: {error}") from None


def shipped(name: str) -> Path:
    """Path of a settings file that ships in this package, such as `live.toml` or `presets/paper.toml`."""
    return Path(str(resources.files("configs") / name))


def _choices(kind: type[msgspec.Struct], error: str) -> str:
    """' (use a, b or c)' where the error is about a value that is none of a few."""
    found = re.search(r"`\$\.([\w.]+)`", error) if error.startswith("Invalid enum value") else None
    if found is None:
        return ""
    node: msgspec.inspect.Type = msgspec.inspect.type_info(kind)
    for name in found[1].split("."):
        if isinstance(node, msgspec.inspect.StructType):
            node = next(each.type for each in node.fields if each.encode_name == name)
    return f" (use {', '.join(map(str, node.values))})" if isinstance(node, msgspec.inspect.LiteralType) else ""


def _put(values: dict[str, Any], dotted: str, value: object) -> None:
    *parents, last = dotted.split(".")
    for parent in parents:
        values = values.setdefault(parent, {})
    values[last] = value
