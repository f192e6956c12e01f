"""What a drill of walking at a prescribed cadence is. All of it is data in a TOML file, none of it is code."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import Final

from imu.errors import ConfigError
from imu.feedback.drill_reader import choice, flag, number, read, table, text, texts, whole
from imu.snapshot import DrillView

KINDS: Final = ("repetitions", "cadence")
LEAST, MOST = 40.0, 200.0
"""Steps per minute that can be prescribed: from a slow walk with an aid to a run."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """The cadence aimed for, and when a drift from it is said."""

    steps_per_minute: float = number(
        "Steps of both legs per minute. Larger = quicker. Recommended: 5 to 10 per cent above the person's own.",
        LEAST,
        MOST,
    )
    dead_band_percent: float = number(
        "Per cent to both sides that are in order. Larger = fewer cues; smaller = stricter, and below 3 the measurement "
        "itself and a usual variation cause some. It must stay below the change that is trained. Recommended 4.",
        1.0,
        30.0,
    )
    median_steps: int = whole(
        "The cadence is the median over so many steps. Larger = calmer and later. Recommended 6.", 3, 30
    )
    dwell_steps: int = whole(
        "So many steps in a row must agree that it has drifted to one side. Larger = later and surer. Recommended 4.", 1, 50
    )
    pause_s: float = number(
        "Seconds from one cue to the next at least. Larger = rarer; shorter than it takes to find the new step, about "
        "8 s, nags. Recommended 10.",
        2.0,
        300.0,
    )
    cue: bool = flag("true = say it; false = only report it. Recommended true.")
    priority: int = whole("Larger = wins over smaller. Recommended 20.", 0, 99)
    too_slow: str = text("Said when the cadence has fallen below the band.", empty=True)
    too_fast: str = text("Said when the cadence has risen above the band.", empty=True)
    show_s: float = number("Seconds a cue stays at least. Larger = longer to read. Recommended 2.", 0.5, 10.0)

    @property
    def band(self) -> tuple[float, float]:
        """Steps per minute that are in order, from and to."""
        share = self.dead_band_percent / 100.0
        return self.steps_per_minute * (1.0 - share), self.steps_per_minute * (1.0 + share)


@dataclass(frozen=True, slots=True)
class Clicks:
    """What is heard beside the cues."""

    click: str = choice(
        "metronome: even beats at the prescribed cadence. steps: the person's own, at each contact as it is foreseen, "
        "heard a little after it. both. none. Recommended: metronome; steps when the beat is taken away again.",
        ("metronome", "steps", "both", "none"),
    )
    start: str = choice(
        "When the metronome begins: walking (with the first steps, and it pauses when the person stops) or at_once (as "
        "soon as the set-up is over). Recommended: walking.",
        ("walking", "at_once"),
    )
    volume_percent: float = number(
        "Per cent of the loudest click, which is softer than a cue. Larger = louder; 0 = silent. Recommended 60.",
        0.0,
        100.0,
    )

    @property
    def beats(self) -> bool:
        return self.click in ("metronome", "both")

    @property
    def steps(self) -> bool:
        return self.click in ("steps", "both")


@dataclass(frozen=True, slots=True, kw_only=True)
class CadenceDrill:
    """One drill of walking at a cadence, complete."""

    kind: str = choice("What the drill is about: cadence.", KINDS)
    name: str = text("Short name, as in the library.")
    title: str = text("Name for people.")
    target_count: int = whole("Steps of a set; 0 = as many as there are. Larger = longer. Recommended 300.", 0, 20000)
    unseen: tuple[str, ...] = texts("What the sensors cannot see in this drill, one sentence each; shown to people.")
    easier: tuple[str, ...] = texts("Regressions: drills of the library, or in words. May be left out.", default=())
    harder: tuple[str, ...] = texts("Progressions, likewise. May be left out.", default=())
    cadence: Cadence = field(metadata=table(Cadence))
    metronome: Clicks = field(metadata=table(Clicks))

    @property
    def sentences(self) -> tuple[str, ...]:
        """Everything that may be said, so that speech can be made ready."""
        return tuple(dict.fromkeys(text for text in (self.cadence.too_slow, self.cadence.too_fast) if text))

    @property
    def view(self) -> DrillView:
        """What the screen draws of it."""
        return DrillView(self.title, self.target_count)


def kind_in(text: str) -> str:
    """The kind that a drill's TOML names; empty if it names none or is no TOML."""
    try:
        return str(tomllib.loads(text).get("kind", ""))
    except tomllib.TOMLDecodeError:
        return ""


def read_cadence(text: str, source: str) -> CadenceDrill:
    """Read it from TOML; `ConfigError` lists every problem."""
    return read(CadenceDrill, text, source, _contradictions)


def with_cadence(text: str, steps_per_minute: float) -> str:
    """The same drill with another cadence, as TOML: what is written into the recording is what was walked to."""
    drill = read_cadence(text, "drill") if kind_in(text) == "cadence" else None
    if drill is None:
        raise ConfigError("this drill prescribes no cadence; choose one that does, such as walk_cadence, or leave it away")
    if not LEAST <= steps_per_minute <= MOST:
        raise ConfigError(f"a cadence of {steps_per_minute:g} steps per minute; give {LEAST:g} to {MOST:g}")
    wanted = f"{steps_per_minute:.10g}"
    line = re.compile(r"^([ \t]*steps_per_minute[ \t]*=[ \t]*)[^\s#]+", re.MULTILINE)
    changed = line.sub(lambda found: found[1] + wanted, text, count=1)
    if read_cadence(changed, "drill").cadence.steps_per_minute != float(wanted):
        raise ConfigError("this drill does not have steps_per_minute on a line of its own; write it so in its file")
    return changed


def _contradictions(drill: CadenceDrill) -> list[tuple[str, str]]:
    """(key, problem and remedy) of values that are each allowed but do not fit together."""
    c = drill.cadence
    problems = []
    if c.pause_s < c.show_s:
        problems.append(("cadence.pause_s", f"is shorter than a cue stays, show_s ({c.show_s:g}); give at least that"))
    if drill.metronome.beats and drill.metronome.volume_percent == 0.0:
        problems.append(("metronome.volume_percent", 'silences the metronome; give more, or click = "none"'))
    return problems
