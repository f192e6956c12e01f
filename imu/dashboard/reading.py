"""What a snapshot means for each part of the patient's screen: pure functions from values to states, no drawing."""

from __future__ import annotations

from dataclasses import replace
from math import isnan, nan
from typing import Final

from imu.conventions import CORE_SEGMENTS, Side
from imu.dashboard.cadence_bar import CadenceBarState
from imu.dashboard.count import CountState
from imu.dashboard.cue_slot import CueState, Kind
from imu.dashboard.figure import FigureState, View
from imu.dashboard.gauge import GaugeState
from imu.dashboard.header import HeaderState
from imu.dashboard.pose import known_angle, measured_posture, target_posture
from imu.dashboard.tempo_bar import TempoState, known_time
from imu.packets import Health
from imu.snapshot import Snapshot

STALE_NS: Final = 300_000_000
"""Older than this is not shown as if it were now."""
MEASURING: Final = ("stand", "movement", "drill")
ANSWERING: Final = ("streaming", "settling")

KIND_OF_RULE: Final[dict[str, Kind]] = {"tempo": "tempo", "cadence": "tempo", "depth": "depth", "partial": "depth"}
"""All other rules are about alignment."""
READY: Final = "Ready. Begin when you are."
READY_WITHOUT_SOUND: Final = "Ready. No sound: watch here for cues."
READY_TO_WALK: Final = "Ready. Begin to walk."
READY_TO_WALK_WITHOUT_SOUND: Final = "Ready to walk. No sound: watch here."
PRAISE: Final = "Good. Keep this rhythm."
PRAISE_OF_A_HOLD: Final = "Good. Stay like this."
NO_DRILL: Final = "No drill is chosen: movement only"


def is_stale(snapshot: Snapshot, now_ns: int) -> bool:
    """True when the newest data are too old to be shown as present. `now_ns`: the clock of `Snapshot.t_host_ns`."""
    measuring = snapshot.stage in MEASURING and snapshot.t_host_ns > 0
    return measuring and now_ns - snapshot.t_host_ns > STALE_NS


def without_values(snapshot: Snapshot) -> Snapshot:
    """The same snapshot with everything measured unknown: the count and the marks stay, they are facts of the past."""
    repetition = replace(snapshot.repetition, phase=-1, pace_s=nan, progress_s=nan, depth=nan, target_depth=nan)
    sensors = tuple(replace(h, state="stale") if h.state in ANSWERING else h for h in snapshot.sensors)
    return replace(
        snapshot,
        angle=snapshot.angle * nan,
        sigma=snapshot.sigma * nan,
        repetition=repetition,
        cadence=replace(snapshot.cadence, now=nan),
        sensors=sensors,
        cue=None,
        cue_side=None,
        problem="The sensors are not answering",
    )


def lost_segments(sensors: tuple[Health, ...]) -> tuple[str, ...]:
    """Those that have answered and do not now."""
    return tuple(h.segment for h in sensors if h.state in ("lost", "stale"))


def paused(s: Snapshot) -> bool:
    """Sensors do not answer, so the set cannot go on. Any other trouble is told without hiding what still works."""
    return bool(s.problem and lost_segments(s.sensors))


def not_measured(sensors: tuple[Health, ...]) -> tuple[str, ...]:
    """Places of the figure without a sensor, or whose sensor has not answered yet."""
    state = {h.segment: h.state for h in sensors}
    return tuple(segment for segment in CORE_SEGMENTS if state.get(segment, "waiting") == "waiting")


def cue_kind(rule: str) -> Kind:
    return KIND_OF_RULE.get(rule.partition("_")[0], "alignment")


def header_state(s: Snapshot) -> HeaderState:
    answering = sum(h.state in ANSWERING for h in s.sensors)
    title = s.drill.title or "Measurement"
    if s.stage == "finished":
        return HeaderState(title, "Set finished" if s.drill.title else "Finished", over=True)
    return HeaderState(title, "", len(s.sensors), answering, s.sound.state)


def cue_state(s: Snapshot) -> CueState:
    """One message: silent sensors before a cue, a cue before other trouble, trouble before praise. Nothing is praised
    while the depth is unknown."""
    if paused(s):
        return CueState("trouble", "Stand still, please", s.problem)
    if s.cue is not None:
        return CueState(cue_kind(s.cue.rule), s.cue.text, "", s.cue_side, silent=s.sound.state != "on")
    if s.problem:
        what, _, remedy = s.problem.partition(". ")
        return CueState("trouble", what, remedy)
    if not s.drill.title:
        return CueState("note", NO_DRILL)
    if s.cadence.target:
        return _walk_state(s)
    if depth_of(s) is None:
        return CueState()
    r, target = s.repetition, s.drill.target_count
    if target and r.count >= target:
        return CueState("calm", f"All {target} done. Stand and rest.")
    if r.phase < 0:
        ready = READY if s.sound.state == "on" else READY_WITHOUT_SOUND
        return CueState("calm", ready) if not r.marks else CueState()
    clean = not r.marks or r.marks[-1] == "clean"
    return CueState("calm", PRAISE_OF_A_HOLD if s.drill.held else PRAISE) if clean else CueState()


def _walk_state(s: Snapshot) -> CueState:
    """Nothing is praised while the cadence is unknown."""
    c, target = s.cadence, s.drill.target_count
    if target and c.steps >= target:
        return CueState("calm", f"All {target} steps done. Stand and rest.")
    if not c.walking and c.steps == 0:
        return CueState("calm", READY_TO_WALK if s.sound.state == "on" else READY_TO_WALK_WITHOUT_SOUND)
    return CueState("calm", PRAISE) if c.band[0] <= c.now <= c.band[1] else CueState()


def counted(s: Snapshot) -> str:
    """What the count is of."""
    return "step" if s.cadence.target else "repetition"


def count_state(s: Snapshot) -> CountState:
    r = s.repetition
    d, held = s.drill, None if isnan(r.held_s) or not s.drill.held else int(r.held_s)
    return CountState(
        r.count, d.target_count, r.marks, not paused(s), counted(s), held, round(d.tempo_s[1])
    )


def figure_state(s: Snapshot, view: View) -> FigureState:
    posture = measured_posture(s.angle)
    depth = known_angle(s.repetition.target_depth)
    halted = paused(s)
    target = None if depth is None or halted else target_posture(depth, posture)
    fault: Side | None = None
    if s.cue is not None and not halted and cue_kind(s.cue.rule) == "alignment":
        fault = s.cue_side
    lost = lost_segments(s.sensors) if halted else ()
    return FigureState(posture, target, view, fault, lost, not_measured(s.sensors))


def depth_of(s: Snapshot) -> float | None:
    """rad; None = unknown, also when only one of two worn legs is known: it is not the depth that the target is about."""
    halved = any(segment.startswith(("thigh", "shank")) for segment in lost_segments(s.sensors))
    return None if halved else known_angle(s.repetition.depth)


def gauge_state(s: Snapshot) -> GaugeState:
    return GaugeState(depth_of(s), s.drill.depth_target, s.drill.depth_scale)


def tempo_state(s: Snapshot) -> TempoState:
    r = s.repetition
    late = s.cue is not None and cue_kind(s.cue.rule) == "tempo"
    d = s.drill
    return TempoState(
        d.tempo_s, d.phase_words, d.phase_letters, r.phase, known_time(r.pace_s), known_time(r.progress_s), late
    )


def cadence_state(s: Snapshot) -> CadenceBarState:
    c = s.cadence
    late = s.cue is not None and cue_kind(s.cue.rule) == "tempo"
    # half a step a minute is about a pixel of the bar
    return CadenceBarState(c.target, c.band, None if isnan(c.now) else round(2.0 * c.now) / 2.0, late)
