"""What a drill is: signal, targets, tempo, limits and words. All of it is data in a TOML file, none of it is code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import resources
from math import radians
from typing import Any, Final

from imu.errors import ConfigError
from imu.feedback.cadence_drill import KINDS, CadenceDrill, kind_in, read_cadence
from imu.feedback.drill_attempts import NO_FELL_BACK, NO_TOUCH_DOWN, FellBack, TouchDown
from imu.feedback.drill_metrics import Compensation, Metric
from imu.feedback.drill_movement import RepetitionLimits, Signal, Target, Tempo
from imu.feedback.drill_reader import Problems, choice, flag, number, read, table, tables, text, texts, whole, word
from imu.feedback.schedule import Schedule
from imu.feedback.sound import Sound
from imu.snapshot import DrillView

LIFTED: Final = ("thigh_tilt", "thigh_sagittal_tilt", "knee_flexion", "hip_flexion")
"""Angles that grow when one knee is lifted."""


@dataclass(frozen=True, slots=True)
class ValgusRule:
    """A knee that falls in: segment tilt towards the middle, against the stand and way up against way down."""

    cue: bool = flag("true = say it; false = only report it. Recommended true.")
    text: str = text("The sentence, exactly as shown and spoken.")
    priority: int = whole("Larger = wins over smaller. Recommended 30.", 0, 99)
    shank_deg: float = number(
        "Degrees of medial shank tilt away from the rest position. Larger = fewer cues; smaller = more, and below 8 "
        "a strap turned by 10 degrees can cause them. Recommended 8.",
        3.0,
        30.0,
    )
    thigh_deg: float = number(
        "Degrees of medial thigh tilt away from the rest position. Larger = fewer cues. A thigh axis wrong by 5 degrees "
        "shows as 5 at depth, so more room is needed than at the shank. Recommended 14.",
        5.0,
        40.0,
    )
    shank_return_deg: float = number(
        "Degrees by which the shank is further in on the way up than on the way down at equal thigh tilt. A slipped "
        "strap cancels here. Larger = fewer cues; own clean repetitions stay within 3. Recommended 4.5.",
        2.0,
        30.0,
    )
    thigh_return_deg: float = number("The same for the thigh. Larger = fewer cues. Recommended 7.", 2.0, 30.0)
    loaded_deg: float = number(
        "Degrees of thigh tilt above which the knee is judged. Larger = only deep; smaller = near the stand too. "
        "Recommended 25.",
        5.0,
        60.0,
    )
    dwell_ms: float = number(
        "Milliseconds the knee must stay beyond the limit. Larger = ignores twitches; smaller = sooner. Recommended 100.",
        0.0,
        1000.0,
    )
    leave_share: float = number(
        "Share of the limit, 0 to 1, below which the fault is over. Larger = ends earlier, may flicker. Recommended 0.7.",
        0.1,
        1.0,
    )
    sigma_deg: float = number(
        "Degrees. With a larger uncertainty (one standard deviation) nothing is said. Larger = cues on poorer "
        "calibration. Recommended 6.",
        1.0,
        15.0,
    )


@dataclass(frozen=True, slots=True)
class TempoRule:
    """A phase that leaves the prescribed time. An empty sentence is never said."""

    cue: bool = flag("true = say it; false = only report it. Recommended true.")
    priority: int = whole("Larger = wins over smaller. Recommended 20.", 0, 99)
    tolerance_percent: float = number(
        "Per cent of the prescribed time. Larger = fewer cues; smaller = stricter. Recommended 25.", 5.0, 100.0
    )
    fast_down: str = text("Said when the way down was too fast; empty = it may be as fast as it likes.", empty=True)
    fast_up: str = text("Said when the way up was too fast; empty = it may be as fast as it likes.", empty=True)
    slow_down: str = text("Said when the way down was too slow. Recommended: empty.", empty=True)
    slow_up: str = text("Said when the way up was too slow. Recommended: empty.", empty=True)
    told: str = choice(
        "When the way out is judged: at_once (at its end) or counted (when the repetition is; where a step or a swing into "
        "place would be judged too). Recommended: at_once.",
        ("at_once", "counted"),
        "at_once",
    )
    short_hold: str = text(
        "Said when the pause at the turning point was too short. Recommended: empty, except where the pause is the drill.",
        empty=True,
        default="",
    )


@dataclass(frozen=True, slots=True)
class DepthRule:
    """A repetition that ends too early: by more than the uncertainty of its depth. It is told when it has ended."""

    cue: bool = flag("true = say it; false = only report it. Recommended true where the target is agreed.")
    text: str = text("The sentence, exactly as shown and spoken.")
    priority: int = whole("Larger = wins over smaller. Recommended 10.", 0, 99)
    partial_deg: float = number(
        "Degrees of depth below which a repetition is called partial. Larger = stricter. Recommended two thirds of the "
        "aim.",
        1.0,
        150.0,
    )


@dataclass(frozen=True, slots=True)
class CueLimits:
    """How often something is said."""

    show_s: float = number(
        "Seconds a cue stays at least. Larger = longer to read, fewer others. Recommended 1.5.", 0.5, 10.0
    )
    every_repetitions: int = whole(
        "The same cue for the same side comes at most once in so many repetitions. Larger = rarer. Recommended 1.", 1, 50
    )


NOT_JUDGED = ValgusRule(False, "", 0, 180.0, 180.0, 180.0, 180.0, 180.0, 1000.0, 1.0, 0.0)
"""Without a table [valgus] no knee is judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One drill of repetitions, complete."""

    kind: str = choice("What the drill is about. May be left out: repetitions.", KINDS, "repetitions")
    name: str = word("Short name, as in the library.")
    title: str = text("Name for people.")
    target_count: int = whole("Repetitions of a set. Larger = more. Recommended 8.", 1, 500)
    unseen: tuple[str, ...] = texts("What the sensors cannot see in this drill, one sentence each; shown to people.")
    score: str = choice(
        "What a set comes to: count (repetitions), time (longest hold) or angle (largest depth). Recommended: count.",
        ("count", "time", "angle"),
        "count",
    )
    easier: tuple[str, ...] = texts("Regressions: drills of the library, or in words. May be left out.", default=())
    harder: tuple[str, ...] = texts("Progressions, likewise. May be left out.", default=())
    signal: Signal = field(metadata=table(Signal))
    repetition: RepetitionLimits = field(metadata=table(RepetitionLimits))
    target: Target = field(metadata=table(Target))
    tempo: Tempo = field(metadata=table(Tempo))
    valgus: ValgusRule = field(default=NOT_JUDGED, metadata=table(ValgusRule))
    tempo_rule: TempoRule = field(metadata=table(TempoRule))
    depth: DepthRule = field(metadata=table(DepthRule))
    fell_back: FellBack = field(default=NO_FELL_BACK, metadata=table(FellBack))
    touch_down: TouchDown = field(default=NO_TOUCH_DOWN, metadata=table(TouchDown))
    cues: CueLimits = field(metadata=table(CueLimits))
    schedule: Schedule = field(default=Schedule(), metadata=table(Schedule))
    sound: Sound = field(default=Sound(), metadata=table(Sound))
    metrics: tuple[Metric, ...] = tables(Metric)
    compensations: tuple[Compensation, ...] = tables(Compensation)

    @property
    def knees_judged(self) -> bool:
        """The drill has a table [valgus]."""
        return self.valgus != NOT_JUDGED

    @property
    def held(self) -> bool:
        """A drill of long holds: swaying in one is not the way back."""
        return self.score != "count"

    @property
    def out_judged(self) -> str:
        """When the time of the way out is judged: at the `bottom`, with the way back `rising` or once all is `closed`."""
        if self.tempo_rule.told == "counted":
            return "closed"
        return "rising" if self.tempo.pause == "within" else "bottom"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Everything that may be said, so that speech can be made ready."""
        rule = self.tempo_rule
        said = (
            self.valgus.text, rule.fast_down, rule.fast_up, rule.slow_down, rule.slow_up, rule.short_hold, self.depth.text,
            self.fell_back.text, self.touch_down.text,
            *(c.text for c in self.compensations), *(m.text for m in self.metrics),
        )  # fmt: skip
        return tuple(dict.fromkeys(text for text in said if text))

    @property
    def view(self) -> DrillView:
        """What the screen draws of it."""
        a, b, c, d = self.tempo.words
        return DrillView(
            self.title,
            self.target_count,
            self.tempo.seconds,
            (a, b, c, d),
            depth_target=(radians(self.target.low_deg), radians(self.target.high_deg)),
            depth_scale=radians(self.target.scale_deg),
            phase_letters=self.tempo.letters,
            held=self.score == "time",
        )


AnyDrill = Drill | CadenceDrill


def load_drill(text: str, source: str = "") -> AnyDrill:
    """Read a drill of any kind from TOML. `ConfigError` lists every problem with file, key and remedy."""
    if kind_in(text) == "cadence":
        return read_cadence(text, source or "drill")
    return read(Drill, text, source or "drill", across=_contradictions)


def drill_names() -> tuple[str, ...]:
    """The drills of the library, sorted."""
    folder = resources.files("imu.feedback") / "drills"
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")))


def drill_text(name: str) -> str:
    """TOML text of a drill of the library."""
    if name not in drill_names():
        raise ConfigError(f"no drill {name!r} in the library; there are: {', '.join(drill_names())}")
    return (resources.files("imu.feedback") / "drills" / f"{name}.toml").read_text("utf-8")


def drill_given(drill: str) -> str:
    """TOML text of a drill that is given by its name in the library, or as that text already."""
    return drill if "\n" in drill else drill_text(drill)


def _contradictions(parts: Mapping[str, Any]) -> Problems:
    """Values that are each allowed but do not fit together, of the tables that could be read."""
    problems: Problems = []
    signal, repetition, target, depth = (parts.get(name) for name in ("signal", "repetition", "target", "depth"))
    if signal and repetition and signal.legs == "both" and signal.way == "rise" and signal.angle in LIFTED:
        most = repetition.open_deg - 8.0
        if signal.apart_deg > most:
            problems.append(("signal.apart_deg", f"would let a lifted knee open a repetition; give {most:g} or less"))
    if target and depth and depth.partial_deg > target.aim_deg:
        problems.append(("depth.partial_deg", f"is beyond the aim ({target.aim_deg:g}); give less"))
    if (tempo := parts.get("tempo")) and repetition and sum(tempo.seconds[:3]) >= repetition.abort_s:
        least = sum(tempo.seconds[:3])
        problems.append(("repetition.abort_s", f"is over before the tempo is ({least:g} s); give twice that"))
    names = [one.name for key in ("metrics", "compensations") for one in parts.get(key, ())]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        problems.append(("metrics and compensations", f"share the name {name}; give each its own"))
    for key in ("easier", "harder"):
        problems += [(key, problem) for one in parts.get(key, ()) if (problem := _no_step(one))]
    return problems


def _no_step(name: str) -> str:
    """The problem of one regression or progression: a single word must be a drill that there is."""
    if " " in name.strip() or name in drill_names():
        return ""
    near = get_close_matches(name, drill_names(), 1)
    hint = f" (nearest: {near[0]})" if near else ""
    return f"names {name!r}, which is no drill of the library{hint}; correct it or say it in words"
