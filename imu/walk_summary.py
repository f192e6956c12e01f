"""What is printed of a walk."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from imu.feedback.cadence_drill import CadenceDrill
from imu.kinematics.gait import GaitSummary, strides_of
from imu.result import Result

ROWS: Final = (
    ("cadence", "cadence", "steps/min", 1.0, "5.1f"),
    ("stride_s", "stride", "s", 1.0, "5.3f"),
    ("step_s", "step", "s", 1.0, "5.3f"),
    ("stance_share", "stance", "% of stride", 100.0, "5.1f"),
    ("swing_share", "swing", "% of stride", 100.0, "5.1f"),
    ("double_support_share", "double support", "% of stride", 100.0, "5.1f"),
    ("step_length", "step length", "m", 1.0, "5.2f"),
    ("speed", "speed", "m/s", 1.0, "5.2f"),
    ("knee_swing_peak", "knee, most in swing", "°", 180.0 / math.pi, "5.1f"),
    ("knee_range", "knee range", "°", 180.0 / math.pi, "5.1f"),
    ("hip_range", "hip range", "°", 180.0 / math.pi, "5.1f"),
    ("obliquity_range", "pelvis obliquity range", "°", 180.0 / math.pi, "5.1f"),
)
"""Parameter, words, unit, factor, form."""


def cadence_lines(result: Result, drill: CadenceDrill) -> list[str]:
    """Steps and cadence since the set-up, against what the drill asks for."""
    ready = min((e.t_emitted_us for e in result.events if e.kind == "calibrated"), default=None)
    low, high = drill.cadence.band
    asked = f"asked for: {drill.cadence.steps_per_minute:g}, {low:.1f} to {high:.1f}"
    if ready is None:
        return [f"Cadence      nothing was counted ({asked})"]
    steps = sum(e.kind == "initial_contact" and e.t_emitted_us > ready for e in result.events)
    cadence = np.array([s.cadence for s in strides_of(result.events) if s.counts and s.t_start_us > ready])
    if len(cadence) < 2:
        return [f"Cadence      {steps} steps ({asked})"]
    kept = np.mean((cadence >= low) & (cadence <= high))
    spread = f"{cadence.mean():.1f} ± {cadence.std(ddof=1):.1f} a minute"
    return [f"Cadence      {steps} steps, {spread} ({asked}; {kept:.0%} of {len(cadence)} single strides)"]


def gait_lines(result: Result) -> list[str]:
    """Strides, means of both legs and each, symmetry; nothing if nobody walked. `~` marks what is fragile."""
    gait = result.gait
    if gait is None:
        return []
    left_out = ", ".join(f"{n} {why}" for why, n in sorted(gait.marks.items())) or "none"
    lines = [f"Walking      {gait.strides} strides, {gait.counted} in the means (left out: {left_out})"]
    if not gait.counted:
        return lines
    lines.append(f"  {'':24s} {'both':>7s} {'left':>7s} {'right':>7s}   varies   right against left")
    lines += [line for row in ROWS if (line := _row(gait, *row))]
    return lines


def _row(gait: GaitSummary, name: str, words: str, unit: str, factor: float, form: str) -> str:
    both, left, right = (gait.mean(name, side) for side in (None, "left", "right"))
    if math.isnan(both.mean):
        return ""
    values = " ".join(_number(m.mean * factor, form).rjust(7) for m in (both, left, right))
    varies = f"{both.variability:5.1%}" if not math.isnan(both.variability) else "    –"
    against = next((s for s in gait.symmetry if s.name == name), None)
    if against is None:
        index = ""
    elif math.isnan(against.index_percent):
        index = against.reason
    else:
        index = f"{against.index_percent:+5.1f} %"
    fragile = "~" if both.caution else " "
    return f"{fragile} {words:24s} {values}   {varies:7s}  {index}  {unit}".rstrip()


def _number(value: float, form: str) -> str:
    return "–" if math.isnan(value) else format(value, form)
