"""TOML into frozen dataclasses: every problem found is reported, not only the first.

Each field carries its own text (unit, what larger and smaller mean, recommended value) in its metadata, so that a screen
shows the same words as the source: `describe(Drill)`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, field, fields
from typing import Any, TypeVar, cast

from imu.errors import ConfigError

T = TypeVar("T")
Check = Callable[[object], str]
"""Gives the problem with its remedy, or an empty text."""


def _field(doc: str, check: Check, convert: Callable[[Any], object], default: object = MISSING) -> Any:
    metadata = {"doc": doc, "check": check, "convert": convert}
    return field(metadata=metadata) if default is MISSING else field(default=default, metadata=metadata)


def number(doc: str, low: float, high: float) -> Any:
    """A field that is a number within `low` .. `high`."""

    def check(value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"is {value!r}; give a number"
        if not low <= value <= high:  # NaN fails too
            return f"is {value:g}; give {low:g} to {high:g}"
        return ""

    return _field(doc, check, float)


def whole(doc: str, low: int, high: int) -> Any:
    """A field that is a whole number within `low` .. `high`."""

    def check(value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, int):
            return f"is {value!r}; give a whole number"
        return "" if low <= value <= high else f"is {value}; give {low} to {high}"

    return _field(doc, check, int)


def flag(doc: str) -> Any:
    """A field that is true or false."""
    return _field(doc, lambda value: "" if isinstance(value, bool) else f"is {value!r}; give true or false", bool)


def text(doc: str, *, empty: bool = False) -> Any:
    """A field that is one line of text."""

    def check(value: object) -> str:
        if not isinstance(value, str):
            return f"is {value!r}; give a text in quotes"
        if not empty and not value.strip():
            return "is empty; give a text"
        return "has more than one line; give one" if "\n" in value else ""

    return _field(doc, check, str)


def choice(doc: str, allowed: tuple[str, ...], default: str | None = None) -> Any:
    """A field that is one of a few words; with a `default` it may be left out."""

    def check(value: object) -> str:
        return "" if value in allowed else f"is {value!r}; give one of {', '.join(allowed)}"

    return _field(doc, check, str, MISSING if default is None else default)


def texts(doc: str, count: int | None = None) -> Any:
    """A field that is a list of texts."""

    def check(value: object) -> str:
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            return f"is {value!r}; give a list of texts"
        return "" if count is None or len(value) == count else f"has {len(value)} texts; give {count}"

    return _field(doc, check, tuple)


def table(kind: type) -> dict[str, object]:
    """Metadata of a field that is a table of its own, `kind`."""
    return {"doc": (kind.__doc__ or "").strip(), "table": kind}


def describe(kind: type, prefix: str = "") -> Iterator[tuple[str, str]]:
    """(key, text) of every field, in order: what the editor shows beside it."""
    for f in _fields(kind):
        if inner := f.metadata.get("table"):
            yield from describe(inner, f"{prefix}{f.name}.")
        else:
            yield prefix + f.name, f.metadata["doc"]


def read(
    kind: type[T], content: str, source: str, contradictions: Callable[[T], list[tuple[str, str]]] = lambda _: []
) -> T:
    """Build `kind` from TOML text; `source` names the file in messages."""
    try:
        data = tomllib.loads(content)
    except tomllib.TOMLDecodeError as e:
        raise ConfigError(f"{source}: not TOML ({e}); correct that line") from e
    problems: list[tuple[str, str]] = []
    value = _build(kind, data, "", problems)
    if value is not None and not problems:
        problems += contradictions(value)
    if problems or value is None:
        raise ConfigError("\n".join(f"{source}: {key} {problem}" for key, problem in problems))
    return value


def _fields(kind: type) -> tuple[Field[Any], ...]:
    return fields(kind)


def _build(kind: type[T], data: Mapping[str, object], prefix: str, problems: list[tuple[str, str]]) -> T | None:
    known = {f.name: f for f in _fields(kind)}
    for key in data:
        if key not in known:
            problems.append((prefix + key, f"is unknown; remove it or use one of {', '.join(known)}"))
    values: dict[str, object] = {}
    for name, f in known.items():
        inner_kind = f.metadata.get("table")
        if name not in data and f.default is not MISSING:
            values[name] = f.default
        elif name not in data:
            what = f"the table [{prefix}{name}]" if inner_kind else f"a value ({f.metadata['doc']})"
            problems.append((prefix + name, f"is missing; give {what}"))
        elif inner_kind:
            inner = data[name]
            if isinstance(inner, Mapping):
                values[name] = _build(inner_kind, cast(Mapping[str, object], inner), f"{prefix}{name}.", problems)
            else:
                problems.append((prefix + name, f"is {inner!r}; make it a table [{prefix}{name}]"))
        elif problem := f.metadata["check"](data[name]):
            problems.append((prefix + name, problem))
        else:
            values[name] = f.metadata["convert"](data[name])
    return kind(**values) if len(values) == len(known) and None not in values.values() else None
