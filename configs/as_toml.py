"""Settings written out as TOML: every key with its value, its range and what the code says of its effect.

`python -m configs` writes the files that ship with this package; `--print-config` of a command prints what it would use.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from functools import cache
from itertools import pairwise

import msgspec
from msgspec.inspect import Field, FloatType, IntType, LiteralType, StructType, Type, UnionType, type_info

_WIDTH = 110


def toml_text(settings: msgspec.Struct, head: str = "") -> str:
    """Every key of the settings, tables last. head: comment lines above all, without their `#`."""
    keys, tables = _keys_and_tables(settings)
    parts = [*_comment(head), *(line for key in keys for line in ("", *key))]
    for name, table in tables:
        parts += _table(name, table)
    return "\n".join(parts).lstrip("\n") + "\n"


def _table(name: str, table: msgspec.Struct) -> list[str]:
    keys, inner = _keys_and_tables(table)
    parts = ["", *_comment(inspect.getdoc(type(table)) or ""), f"[{name}]", *(line for key in keys for line in key)]
    return parts + [line for sub, below in inner for line in _table(f"{name}.{sub}", below)]


def _keys_and_tables(settings: msgspec.Struct) -> tuple[list[list[str]], list[tuple[str, msgspec.Struct]]]:
    """Lines of each plain key, and the tables below with their names."""
    info = type_info(type(settings))
    assert isinstance(info, StructType)
    keys, tables = [], []
    for field in info.fields:
        value = getattr(settings, field.name)
        if isinstance(value, msgspec.Struct):
            tables.append((field.encode_name, value))
        else:
            keys.append(_key(type(settings), field, value))
    return keys, tables


def _key(kind: type[msgspec.Struct], field: Field, value: object) -> list[str]:
    return [*_comment(_documents(kind).get(field.name, "")), _entry(field.encode_name, value, field.type)]


def _entry(name: str, value: object, kind: Type) -> str:
    if value is None:
        return f'# {name} = "..."  # not set'
    allowed = _allowed(kind)
    return f"{name} = {_toml(value)}{f'  # {allowed}' if allowed else ''}"


def _toml(value: object) -> str:
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)


def _allowed(kind: Type) -> str:
    """What a value may be, as far as the type says it."""
    if isinstance(kind, UnionType):
        return next(filter(None, map(_allowed, kind.types)), "")
    if isinstance(kind, LiteralType):
        return ", ".join(map(str, kind.values))
    if isinstance(kind, (IntType, FloatType)):
        low = f"from {kind.ge:g}" if kind.ge is not None else f"above {kind.gt:g}" if kind.gt is not None else ""
        high = f"to {kind.le:g}" if kind.le is not None else f"below {kind.lt:g}" if kind.lt is not None else ""
        return " ".join(filter(None, (low, high)))
    return ""


def _comment(text: str) -> list[str]:
    paragraphs = text.strip().split("\n\n") if text.strip() else []
    lines = [line for paragraph in paragraphs for line in ("", *textwrap.wrap(" ".join(paragraph.split()), _WIDTH))]
    return [f"# {line}".rstrip() for line in lines[1:]]


@cache
def _documents(kind: type[msgspec.Struct]) -> dict[str, str]:
    """Field name -> the text that stands below it in the source; Python keeps it nowhere else."""
    module = ast.parse(inspect.getsource(sys.modules[kind.__module__]))
    body = next(node.body for node in ast.walk(module) if isinstance(node, ast.ClassDef) and node.name == kind.__name__)
    found = {}
    for field, after in pairwise(body):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(after, ast.Expr)):
            continue
        if isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            found[field.target.id] = after.value.value
    return found
