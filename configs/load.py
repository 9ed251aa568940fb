"""TOML file + command-line overrides -> validated settings, with the path of whatever is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ahmsa.errors import SettingsError
from ahmsa.files import read_limited
from ahmsa.untrusted import UnreadableError, toml_values

_LARGEST_BYTES = 1 << 20

T = TypeVar("T", bound=msgspec.Struct)


def load_settings(
    kind: type[T], file: Path | None = None, overrides: Mapping[str, object] | None = None, *, preset: Path | None = None
) -> T:
    """Settings of `kind`: its defaults, changed by a preset, by a TOML file, and by overrides, in this order.

    overrides: dotted name -> value, as in {"spotter.refractory_ms": 300}; None values are skipped, so that options which
    were not given on a command line can be passed on as they are.
    Raises SettingsError with the file and the key's path.
    """
    values: dict[str, Any] = {}
    for each in filter(None, (preset, file)):
        _merge(values, read_toml(each))
    for name, value in (overrides or {}).items():
        if value is not None:
            _put(values, name, value)
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        where = f"in {file}" if file is not None else "in the settings"
        raise SettingsError(f"{error}{_choices(kind, str(error))} {where}; --print-config shows every key") from None


def read_toml(file: Path) -> dict[str, Any]:
    """A TOML file as nested dicts. Raises SettingsError when it is missing or malformed."""
    try:
        return toml_values(read_limited(file, _LARGEST_BYTES))
    except OSError as error:
        raise SettingsError(f"cannot read settings file {file}: {error.strerror or error}") from None
    except UnreadableError as error:
        raise SettingsError(f"{file} holds no valid settings: {error}") from None


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


def assignments(texts: Sequence[str]) -> dict[str, object]:
    """`table.key=value` -> dotted name and value, read as TOML; what is no TOML value is taken as text.

    Raises SettingsError where a text has no name or no value.
    """
    found: dict[str, object] = {}
    for text in texts:
        name, _, value = (part.strip() for part in text.partition("="))
        if not re.fullmatch(r"\w+(\.\w+)*", name) or not value:
            raise SettingsError(f"--set takes TABLE.KEY=VALUE, as in spotter.noise_sigmas=6, not {text!r}")
        found[name] = _toml_value(value)
    return found


def _toml_value(text: str) -> object:
    try:
        return toml_values(f"value = {text}".encode())["value"]
    except UnreadableError:
        return text


def _merge(values: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        if isinstance(value, Mapping) and isinstance(values.get(name), dict):
            _merge(values[name], value)
        else:
            values[name] = value


def _put(values: dict[str, Any], dotted: str, value: object) -> None:
    *parents, last = dotted.split(".")
    for parent in parents:
        values = values.setdefault(parent, {})
    values[last] = value
