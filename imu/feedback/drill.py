"""What a drill is: signal, targets, tempo, limits and words. All of it is data in a TOML file, none of it is code."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import resources
from math import radians

from imu.errors import ConfigError
from imu.feedback.cadence_drill import KINDS, CadenceDrill, kind_in, read_cadence
from imu.feedback.drill_reader import choice, flag, number, read, table, text, texts, whole
from imu.feedback.schedule import Schedule
from imu.feedback.sound import Sound
from imu.snapshot import DrillView


@dataclass(frozen=True, slots=True)
class Signal:
    """The angle whose rise and fall is a repetition."""

    angle: str = choice(
        "Angle of each leg that rises on the way down and falls on the way up. Recommended: thigh_tilt, which needs no "
        "heading and no joint calibration; close to the stand its forward part is used if it is known.",
        ("thigh_tilt", "thigh_sagittal_tilt", "knee_flexion"),
    )
    one_leg: str = choice(
        "When one leg alone may carry the count: never; not_worn (only if the other thigh carries no sensor); always "
        "(also when its sensor is lost). The repetition is flagged. Recommended: not_worn.",
        ("never", "not_worn", "always"),
    )
    apart_deg: float = number(
        "Degrees. The legs' mean is used, but never more than this above the smaller leg. Larger = uneven legs are "
        "averaged for longer; smaller = the lesser leg decides. A lifted knee must stay below the opening angle. "
        "Recommended 6.",
        0.0,
        15.0,
    )


@dataclass(frozen=True, slots=True)
class RepetitionLimits:
    """When a repetition opens, counts and closes. Angles of the signal, above its level at the last top."""

    open_deg: float = number(
        "Degrees. A repetition opens above this. Larger = swaying and weight shifts are ignored more surely; smaller = "
        "opens earlier. Recommended 20.",
        8.0,
        60.0,
    )
    minimum_deg: float = number(
        "Degrees. Less than this is no repetition at all. Larger = shallow movements do not count; smaller = they do. "
        "Recommended 30.",
        10.0,
        90.0,
    )
    count_share: float = number(
        "Share of the peak, 0 to 1. It counts when the signal is back below this on the way up. Larger = counts "
        "earlier; smaller = nearer to the top. Recommended 0.35.",
        0.1,
        0.8,
    )
    renewed_deg: float = number(
        "Degrees. Going down again by this much after the count closes the repetition without a pause at the top. "
        "Larger = tolerates more wobble at the top; smaller = separates hurried repetitions better. Recommended 15.",
        5.0,
        40.0,
    )
    dead_band_dps: float = number(
        "Degrees a second. Slower than this counts as standing still. Larger = less sensitive to sway; smaller = slow "
        "movement is recognised earlier. Recommended 5.",
        1.0,
        20.0,
    )
    abort_s: float = number(
        "Seconds. A repetition that has not come back up by then is dropped. Larger = very slow repetitions count; "
        "smaller = sitting down ends it sooner. Recommended 15.",
        3.0,
        60.0,
    )


@dataclass(frozen=True, slots=True)
class Target:
    """The depth aimed for."""

    angle: str = choice(
        "Angle that is called depth, mean of both legs. Recommended: knee_flexion.",
        ("knee_flexion", "thigh_tilt", "thigh_sagittal_tilt"),
    )
    aim_deg: float = number(
        "Degrees. Depth asked for; the target figure goes there. Larger = deeper. Recommended 90, or what the clinician "
        "allows.",
        10.0,
        150.0,
    )
    low_deg: float = number(
        "Degrees. Upper end of the target zone. Larger = less tolerance for shallow repetitions. Recommended aim - 10.",
        5.0,
        150.0,
    )
    high_deg: float = number(
        "Degrees. Lower end of the target zone. Larger = deeper is still on target. Recommended aim + 10.", 5.0, 160.0
    )
    scale_deg: float = number(
        "Degrees. Bottom end of the depth gauge. Larger = finer movements look smaller. Recommended 115.", 20.0, 180.0
    )


@dataclass(frozen=True, slots=True)
class Tempo:
    """Prescribed seconds of each phase, in the order E-P1-C-P2. 0 = not prescribed."""

    down_s: float = number("Seconds down (E). Larger = slower. Recommended 3.", 0.0, 20.0)
    hold_s: float = number("Seconds held at the bottom (P1). Larger = longer. Recommended 1.", 0.0, 20.0)
    up_s: float = number("Seconds up (C). Larger = slower. Recommended 2.", 0.0, 20.0)
    rest_s: float = number("Seconds at the top (P2). Larger = longer. Recommended 1.", 0.0, 20.0)
    words: tuple[str, ...] = texts("The four words shown for the phases. Recommended: Down, Hold, Up, Rest.", 4)

    @property
    def seconds(self) -> tuple[float, float, float, float]:
        return self.down_s, self.hold_s, self.up_s, self.rest_s


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
    fast_down: str = text("Said when the way down was too fast.", empty=True)
    fast_up: str = text("Said when the way up was too fast.", empty=True)
    slow_down: str = text("Said when the way down was too slow. Recommended: empty.", empty=True)
    slow_up: str = text("Said when the way up was too slow. Recommended: empty.", empty=True)


@dataclass(frozen=True, slots=True)
class DepthRule:
    """A repetition that ends too early."""

    cue: bool = flag("true = say it; false = only report it. Recommended false until the target is agreed.")
    text: str = text("The sentence, exactly as shown and spoken.")
    priority: int = whole("Larger = wins over smaller. Recommended 10.", 0, 99)
    partial_deg: float = number(
        "Degrees of depth below which a repetition is called partial. Larger = stricter. Recommended two thirds of the "
        "aim.",
        5.0,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One drill of repetitions, complete."""

    kind: str = choice("What the drill is about. May be left out: repetitions.", KINDS, "repetitions")
    name: str = text("Short name, as in the library.")
    title: str = text("Name for people.")
    target_count: int = whole("Repetitions of a set. Larger = more. Recommended 8.", 1, 500)
    unseen: tuple[str, ...] = texts("What the sensors cannot see in this drill, one sentence each; shown to people.")
    signal: Signal = field(metadata=table(Signal))
    repetition: RepetitionLimits = field(metadata=table(RepetitionLimits))
    target: Target = field(metadata=table(Target))
    tempo: Tempo = field(metadata=table(Tempo))
    valgus: ValgusRule = field(metadata=table(ValgusRule))
    tempo_rule: TempoRule = field(metadata=table(TempoRule))
    depth: DepthRule = field(metadata=table(DepthRule))
    cues: CueLimits = field(metadata=table(CueLimits))
    schedule: Schedule = field(default=Schedule(), metadata=table(Schedule))
    sound: Sound = field(default=Sound(), metadata=table(Sound))

    @property
    def sentences(self) -> tuple[str, ...]:
        """Everything that may be said, so that speech can be made ready."""
        rule = self.tempo_rule
        said = (self.valgus.text, rule.fast_down, rule.fast_up, rule.slow_down, rule.slow_up, self.depth.text)
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
            (radians(self.target.low_deg), radians(self.target.high_deg)),
            radians(self.target.scale_deg),
        )


AnyDrill = Drill | CadenceDrill


def load_drill(text: str, source: str = "") -> AnyDrill:
    """Read a drill of any kind from TOML. `ConfigError` lists every problem with file, key and remedy."""
    if kind_in(text) == "cadence":
        return read_cadence(text, source or "drill")
    return read(Drill, text, source or "drill", _contradictions)


def drill_names() -> tuple[str, ...]:
    """The drills of the library, sorted."""
    folder = resources.files("imu.feedback") / "drills"
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")))


def drill_text(name: str) -> str:
    """TOML text of a drill of the library."""
    if name not in drill_names():
        raise ConfigError(f"no drill {name!r} in the library; there are: {', '.join(drill_names())}")
    return (resources.files("imu.feedback") / "drills" / f"{name}.toml").read_text("utf-8")


def _contradictions(drill: Drill) -> list[tuple[str, str]]:
    """(key, problem and remedy) of values that are each allowed but do not fit together."""
    problems = []
    r, t = drill.repetition, drill.target
    if r.minimum_deg < r.open_deg:
        problems.append(("repetition.minimum_deg", f"is below open_deg ({r.open_deg:g}); give at least that"))
    if drill.signal.apart_deg + 8.0 > r.open_deg:
        problems.append(("signal.apart_deg", f"would let a lifted knee open a repetition; give {r.open_deg - 8:g} or less"))
    if not t.low_deg <= t.aim_deg <= t.high_deg <= t.scale_deg:
        problems.append(("target", "wants low_deg <= aim_deg <= high_deg <= scale_deg; put them in this order"))
    if drill.depth.partial_deg > t.aim_deg:
        problems.append(("depth.partial_deg", f"is beyond the aim ({t.aim_deg:g}); give less"))
    if sum(drill.tempo.seconds) == 0.0:
        problems.append(("tempo", "prescribes no phase; give at least down_s and up_s"))
    return problems
