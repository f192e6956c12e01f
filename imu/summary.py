"""The text that demo, replay and process print: the same function for all, so that equal results read equal."""

from __future__ import annotations

import math

import numpy as np

from imu.conventions import ANGLES, angle_label
from imu.feedback.cadence_drill import CadenceDrill
from imu.feedback.drill import Drill, load_drill
from imu.feedback.summary_words import summary_view
from imu.packets import Health
from imu.result import Result
from imu.walk_summary import cadence_lines, gait_lines


def _clock(t_us: int) -> str:
    return f"{t_us / 1e6:8.3f} s"


def _known(value: float, form: str) -> str:
    """The number, or a dash as wide where it is unknown."""
    return "–".rjust(int(form.split(".")[0])) if math.isnan(value) else format(value, form)


def summary_lines(result: Result) -> list[str]:
    """Repetitions, cues, angle ranges, data quality and the fingerprint of one result."""
    lines = [f"Session      {_duration(result)}{' (recording incomplete: it ended abruptly)' if result.incomplete else ''}"]
    if result.offline:
        lines.append("             smoothed offline: with what came later, so not what was shown live")
    if result.setup.filter != "vqf":
        lines.append(f"             orientation by {result.setup.filter}, a baseline for comparison (usual: vqf)")
    drill = load_drill(result.setup.drill_toml, "drill of this session") if result.setup.drill_toml else None
    lines += _calibration(result)
    lines += cadence_lines(result, drill) if isinstance(drill, CadenceDrill) else _repetitions(result)
    lines += _set(result, drill) if isinstance(drill, Drill) else []
    lines += _cues(result) + gait_lines(result) + _angles(result) + _sensors(result)
    lines.append(f"Fingerprint  {result.digest()}  (equal = bit-identical angles, events, repetitions and cues)")
    return lines


def _duration(result: Result) -> str:
    if len(result.t_us) == 0:
        return "no frames: nothing that the sensors sent could be used"
    first, last = int(result.t_us[0]), int(result.t_us[-1])
    return f"{(last - first) / 1e6:.2f} s, {len(result.t_us)} frames"


def _calibration(result: Result) -> list[str]:
    if result.calibration is None:
        refused = [e for e in result.events if e.kind == "calibration_refused"]
        why = refused[-1].detail if refused else "no quiet stand followed by one guided movement was found"
        return [f"Calibration  none: {why}"]
    text = str(result.calibration).splitlines()
    return [f"Calibration  {text[0]}"] + [f"             {line}" for line in text[1:]]


def _repetitions(result: Result) -> list[str]:
    if not result.setup.drill_toml:
        return []
    lines = [f"Repetitions  {len(result.repetitions)}"]
    for r in result.repetitions:
        p = r.phases
        worst = max(
            ((v, k) for k, v in r.excursions.items() if "frontal" in k and not math.isnan(v)), default=(math.nan, "")
        )
        medial = f"  knee in {math.degrees(worst[0]):5.2f}° ({worst[1]})" if worst[1] else ""
        phases = "  ".join(
            f"{name} {_known(s, '4.2f')}" for name, s in (("down", p.descent_s), ("hold", p.bottom_s), ("up", p.ascent_s))
        )
        depth = _known(math.degrees(r.depth), "6.2f")
        lines.append(f"  {r.number:3d}  {_clock(r.t_start_us)}  depth {depth}°  {phases} s{medial}  {r.verdict}")
    return lines


def _set(result: Result, drill: Drill) -> list[str]:
    """What the screen says at the end."""
    view = summary_view(drill, result.repetitions, result.decisions)
    lines = [f"Set          {view.sentence}"]
    if view.shares:
        lines.append(f"             {'; '.join(' '.join(filter(None, (s.word, s.value, s.of))) for s in view.shares)}")
    return lines + [f"             {text}" for _, text in view.notes]


def _cues(result: Result) -> list[str]:
    if not result.setup.drill_toml:
        return []
    held = len(result.decisions) - len(result.cues)
    lines = [f"Cues         {len(result.cues)} given, {held} held back"]
    for c in result.decisions:
        side = f" {c.side}" if c.side else ""
        fate = "" if c.given else f"  held back: {c.reason}"
        counted = "step" if c.rule == "cadence" else "repetition"
        lines.append(f"  {_clock(c.t_us)}  {counted} {c.repetition}  {c.rule}{side}  “{c.text}”{fate}")
    return lines


def _angles(result: Result) -> list[str]:
    lines = ["Angles       5 % … 95 %, largest, in degrees relative to the stand; share known"]
    for name, side in ANGLES:
        x = np.degrees(result.angle(name, side))
        known = x[~np.isnan(x)]
        label = angle_label(name, side)
        if len(known) == 0:
            lines.append(f"  {label:26s}  –")
            continue
        low, high = np.percentile(known, (5, 95))
        sigma = np.degrees(np.nanmedian(result.sigma(name, side)))
        lines.append(
            f"  {label:26s}  {low:8.2f} … {high:7.2f}  max {known.max():7.2f}  ± {sigma:4.2f}  {len(known) / len(x):4.0%}"
        )
    return lines


def _check(h: Health) -> str:
    if h.check == "unchecked":
        return "not checked (no rest)"
    return "check good" if h.check == "good" else f"check {h.check}: {h.note}"


def _sensors(result: Result) -> list[str]:
    lines = ["Sensors"]
    for sensor, h in zip(result.setup.sensors, result.health, strict=True):
        clock = "as given" if math.isnan(h.clock_uncertainty_ms) else f"± {h.clock_uncertainty_ms:.2f} ms"
        lines.append(
            f"  {h.segment:12s} {h.sensor:16s}  {h.received} samples, lost {h.lost} ({h.lost_share:.2%}),"
            f" filled {h.filled}, restarts {h.restarts}, clock {clock}, {_check(h)}"
        )
        if sensor.acc_note:
            lines.append(f"  {'':29s}  {sensor.acc_note}")
        if h.gyr_note:
            lines.append(f"  {'':29s}  {h.gyr_note}")
    return lines
