"""TOML into frozen dataclasses: every problem found is reported, not only the first.

Each field carries its own text (unit, what larger and smaller mean, recommended value) in its metadata, so that a screen
shows the same words as the source: `describe(Drill)`. A drill is data and no more: its texts are one line of plain
characters, its names are words, and nothing in it is looked up as a file or run.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, field, fields
from difflib import get_close_matches
from typing import Any, Final, TypeVar, cast

from imu.errors import ConfigError

T = TypeVar("T")
Check = Callable[[object], str]
"""Gives the problem with its remedy, or an empty text."""

LONGEST_TEXT: Final = 160
"""Characters of one sentence; a cue has room for two lines of large print."""
WORD: Final = re.compile("[a-z][a-z0-9_]{0,39}")


def _field(doc: str, check: Check, convert: Callable[[Any], object], default: object = MISSING) -> Any:
    metadata = {"doc": doc, "check": check, "convert": convert}
    return field(metadata=metadata) if default is MISSING else field(default=default, metadata=metadata)


def number(doc: str, low: float, high: float, default: float | None = None) -> Any:
    """A field that is a number within `low` .. `high`; with a `default` it may be left out."""

    def check(value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"is {value!r}; give a number"
        if not low <= value <= high:  # NaN fails too
            return f"is {value:g}; give {low:g} to {high:g}"
        return ""

    return _field(doc, check, float, MISSING if default is None else default)


def whole(doc: str, low: int, high: int, default: int | None = None) -> Any:
    """A field that is a whole number within `low` .. `high`; with a `default` it may be left out."""

    def check(value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, int):
            return f"is {value!r}; give a whole number"
        return "" if low <= value <= high else f"is {value}; give {low} to {high}"

    return _field(doc, check, int, MISSING if default is None else default)


def flag(doc: str, default: bool | None = None) -> Any:
    """A field that is true or false; with a `default` it may be left out."""

    def check(value: object) -> str:
        return "" if isinstance(value, bool) else f"is {value!r}; give true or false"

    return _field(doc, check, bool, MISSING if default is None else default)


def _line(value: str) -> str:
    """The problem of one line that people read or hear."""
    if "\n" in value:
        return "has more than one line; give one"
    if not value.isprintable() or value.startswith("-"):  # a speech program would take it for an option
        return "begins with - or has a character that cannot be shown; give plain words"
    return f"is longer than {LONGEST_TEXT} characters; say it shorter" if len(value) > LONGEST_TEXT else ""


def text(doc: str, *, empty: bool = False, default: str | None = None) -> Any:
    """A field that is one line of text; with a `default` it may be left out."""

    def check(value: object) -> str:
        if not isinstance(value, str):
            return f"is {value!r}; give a text in quotes"
        if not empty and not value.strip():
            return "is empty; give a text"
        return _line(value)

    return _field(doc, check, str, MISSING if default is None else default)


def word(doc: str) -> Any:
    """A field that is a short name of small letters, digits and underscores."""

    def check(value: object) -> str:
        if isinstance(value, str) and WORD.fullmatch(value):
            return ""
        return f"is {value!r}; give a name of small letters, digits and _, such as side_shift"

    return _field(doc, check, str)


def choice(doc: str, allowed: tuple[str, ...], default: str | None = None) -> Any:
    """A field that is one of a few words; with a `default` it may be left out."""

    def check(value: object) -> str:
        return "" if value in allowed else f"is {value!r}; {_nearest(value, allowed, 'give')}"

    return _field(doc, check, str, MISSING if default is None else default)


def texts(doc: str, count: int | None = None, default: tuple[str, ...] | None = None) -> Any:
    """A field that is a list of texts; with a `default` it may be left out."""

    def check(value: object) -> str:
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            return f"is {value!r}; give a list of texts"
        if count is not None and len(value) != count:
            return f"has {len(value)} texts; give {count}"
        return next((f"has a text that {problem}" for v in value if (problem := _line(v))), "")

    return _field(doc, check, tuple, MISSING if default is None else default)


def table(kind: type) -> dict[str, object]:
    """Metadata of a field that is a table of its own, `kind`."""
    return {"doc": (kind.__doc__ or "").strip(), "table": kind}


def tables(kind: type) -> Any:
    """A field that is a list of tables of one `kind`, each under [[its name]]; it may be left out."""
    return field(default=(), metadata={"doc": (kind.__doc__ or "").strip(), "table": kind, "many": True})


def _nearest(value: object, known: tuple[str, ...], verb: str) -> str:
    """All known words, and the nearest of them where there is one."""
    near = get_close_matches(str(value), known, 1)
    return f"{verb} one of {', '.join(known)}{f' (nearest: {near[0]})' if near else ''}"


def describe(kind: type, prefix: str = "") -> Iterator[tuple[str, str]]:
    """(key, text) of every field, in order: what the editor shows beside it."""
    for f in _fields(kind):
        if inner := f.metadata.get("table"):
            yield from describe(inner, f"{prefix}{f.name}{'[]' if 'many' in f.metadata else ''}.")
        else:
            yield prefix + f.name, f.metadata["doc"]


Problems = list[tuple[str, str]]
"""(key, problem and remedy)."""


def read(
    kind: type[T],
    content: str,
    source: str,
    contradictions: Callable[[T], Problems] = lambda _: [],
    across: Callable[[Mapping[str, Any]], Problems] = lambda _: [],
) -> T:
    """Build `kind` from TOML text; `source` names the file in messages.

    Values that are each allowed but do not fit together are told by `contradictions` of the whole, once nothing else is
    wrong, by `across`, which gets what could be built by field name, and by the `contradictions` method of a table.
    """
    try:
        data = tomllib.loads(content)
    except tomllib.TOMLDecodeError as e:
        raise ConfigError(f"{source}: not TOML ({e}); correct that line") from e
    problems: Problems = []
    values = _values(kind, data, "", problems)
    problems += across(values)
    value = _whole(kind, values)
    if value is not None and not problems:
        problems += contradictions(value)
    if problems or value is None:
        raise ConfigError("\n".join(f"{source}: {key} {problem}" for key, problem in problems))
    return value


def _fields(kind: type) -> tuple[Field[Any], ...]:
    return fields(kind)


def _whole(kind: type[T], values: Mapping[str, object]) -> T | None:
    return kind(**values) if len(values) == len(_fields(kind)) else None


def _build(kind: type[T], data: Mapping[str, object], prefix: str, problems: Problems) -> T | None:
    value = _whole(kind, _values(kind, data, prefix, problems))
    if value is not None and hasattr(value, "contradictions"):
        problems += [(prefix + key, problem) for key, problem in cast(Any, value).contradictions()]
    return value


def _values(kind: type, data: Mapping[str, object], prefix: str, problems: Problems) -> dict[str, Any]:
    """What could be built, by field name."""
    known = {f.name: f for f in _fields(kind)}
    for key in data:
        if key not in known:
            problems.append((prefix + key, f"is unknown; remove it, or {_nearest(key, tuple(known), 'use')}"))
    values: dict[str, Any] = {}
    for name, f in known.items():
        inner_kind = f.metadata.get("table")
        if name not in data and f.default is not MISSING:
            values[name] = f.default
        elif name not in data:
            what = f"the table [{prefix}{name}]" if inner_kind else f"a value ({f.metadata['doc']})"
            problems.append((prefix + name, f"is missing; give {what}"))
        elif inner_kind and "many" in f.metadata:
            values[name] = _build_many(inner_kind, data[name], prefix + name, problems)
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
    return {name: value for name, value in values.items() if value is not None}


def _build_many(kind: type[T], data: object, name: str, problems: Problems) -> tuple[T, ...] | None:
    """A list of tables; their keys are numbered from 1 in messages, or called by their own name."""
    if not isinstance(data, list) or not all(isinstance(one, Mapping) for one in cast(list[object], data)):
        problems.append((name, f"is {data!r}; give tables, each under [[{name}]]"))
        return None
    built = []
    for i, one in enumerate(cast(list[Mapping[str, object]], data), 1):
        called = one.get("name")
        label = called if isinstance(called, str) and WORD.fullmatch(called) else str(i)
        built.append(_build(kind, one, f"{name}.{label}.", problems))
    return None if None in built else tuple(built)
