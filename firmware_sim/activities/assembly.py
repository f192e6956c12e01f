"""From the score to the path of every foot and of the pelvis: what carries the person decides where the pelvis is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.activities.balance import over_the_feet, smoothed
from firmware_sim.activities.gait import FLAT, FOOT_OFF, PRESSURE, minimum_jerk, pivoted
from firmware_sim.activities.leg import hanging, leg_length, soft_positive
from firmware_sim.activities.timeline import Timeline
from firmware_sim.body import SWAY_MOVE
from firmware_sim.motion import Track
from imu.conventions import SIDES, Side

Floats = NDArray[np.float64]

FACING_OVER_S: Final = 0.18
"""Over this the pelvis follows the feet that carry it."""
PLANTED_BEND: Final = np.radians(-3.0)
"""Beyond the stand: the pelvis comes down rather than that a planted leg gets straighter than this."""
GIVING_IN: Final = 0.0007
"""m over which it does."""
JOLT_S: Final = 0.004
"""Time constant of the shock of a strike: x³ exp(-x) cos(2 pi 18 Hz t), over in 60 ms."""
JOLT_HZ: Final = 18.0
JOLT_PELVIS: Final = 0.3
"""of the shock at the ankle arrives at the pelvis."""


@dataclass(slots=True, eq=False)
class LegPath:
    """One leg at all nodes."""

    ankle: Floats
    """(3, n) m."""
    heading: Floats
    """Of the foot, toes and all."""
    pitch: Floats
    inward: Floats
    adduction: Floats


@dataclass(slots=True, eq=False)
class BodyPath:
    """The body at all nodes."""

    centre: Floats
    """(3, n) m, middle between the hips."""
    facing: Floats
    obliquity: Floats
    tilt: Floats
    left: LegPath
    right: LegPath


@dataclass(slots=True, eq=False)
class _Foot:
    """A foot as its footprints and its strides have it, before the leg lifts it."""

    side: Side
    left: float
    x: Floats
    y: Floats
    facing: Floats
    z: Floats
    pitch: Floats
    roll: Floats
    """m in front of the ankle: where the pressure is."""
    bend: Floats
    """Flexion it asks for when it carries."""
    thigh: Floats
    knee: Floats
    toe_out: float

    @property
    def heading(self) -> Floats:
        return self.facing + self.left * self.toe_out


def assemble(line: Timeline, t: Floats) -> BodyPath:
    """Everything at (n,) evenly spaced s."""
    p, h = line.person, line.habits
    step = float(t[1] - t[0])
    walking = line.values("walk", t)
    share = 0.5 + line.values("share", t)
    alone = line.values("alone", t)
    feet = {side: _foot(line, side, t, walking) for side in SIDES}
    left, right = feet["left"], feet["right"]
    weight = {"left": share, "right": 1.0 - share}
    onto = 0.5 + (share - 0.5) * h.trunk_share
    balanced, roll = [], (left.roll, right.roll)
    for place, along in ((("x"), np.cos), (("y"), np.sin)):
        under = [getattr(f, place) + r * along(f.facing) for f, r in zip((left, right), roll, strict=True)]
        balanced.append(over_the_feet(onto * under[0] + (1.0 - onto) * under[1], step, p))
    # the pressure is in front of the ankles by as much in every stand
    facing = smoothed(share * left.facing + (1.0 - share) * right.facing, step, FACING_OVER_S)
    sway = p.sway(t) * Track((SWAY_MOVE,))(t)
    wobble = h.balance(t) * alone
    lean = line.values("lean", t)
    phase = _walk_phase(line, t)
    rotation = line.values("rotation", t) + sway[4] + wobble[2]
    rotation = rotation - walking * line.gait.side_forward(phase)
    obliquity = line.values("obliquity", t) + sway[2] + wobble[1] - walking * line.gait.side_up(phase)
    onward = sum(weight[side] * _onward(line, feet[side].bend, lean) for side in SIDES)
    onward = onward * (1.0 - walking) + walking * line.gait.ahead
    onward = onward + sway[0] * (p.thigh + p.shank)
    sideways = sway[1] + wobble[0]
    c, s = np.cos(facing), np.sin(facing)
    x = balanced[0] + c * onward - s * sideways
    y = balanced[1] + s * onward + c * sideways
    heading = facing + rotation
    half = 0.5 * p.hip_width
    # hips against the middle: across is to the right
    across_x, across_y, across_z = np.cos(obliquity) * np.sin(heading), -np.cos(obliquity) * np.cos(heading), np.sin(obliquity)
    z = np.zeros(len(t))
    offsets = {f.side: (x - f.left * half * across_x, y - f.left * half * across_y) for f in feet.values()}
    for f in feet.values():
        hip_x, hip_y = offsets[f.side]
        far = (hip_x - f.x) ** 2 + (hip_y - f.y) ** 2
        z += weight[f.side] * (_height(f.z, leg_length(p, f.bend), far) + f.left * half * across_z)
    lifts = {side: line.values(f"lift_{side}", t) for side in SIDES}
    for f in feet.values():
        hip_x, hip_y = offsets[f.side]
        far = (hip_x - f.x) ** 2 + (hip_y - f.y) ** 2
        highest = _height(f.z, leg_length(p, PLANTED_BEND), far) + f.left * half * across_z
        z -= (1.0 - lifts[f.side]) * soft_positive(z - highest, GIVING_IN)
    jolts = {side: _jolt(line, side, t) for side in SIDES}
    z = z + JOLT_PELVIS * (jolts["left"] + jolts["right"])
    legs = {}
    for f in feet.values():
        hip_x, hip_y = offsets[f.side]
        hip = np.stack((hip_x, hip_y, z - f.left * half * across_z))
        ankle = _lifted(line, f, hip, heading, lifts[f.side], t)
        ankle[2] += jolts[f.side]
        inward, adduction = line.values(f"inward_{f.side}", t), line.values(f"adduction_{f.side}", t)
        legs[f.side] = LegPath(ankle, f.heading, f.pitch, inward, adduction)
    tilt = line.values("tilt", t) + sway[3]
    return BodyPath(np.stack((x, y, z)), heading, obliquity, tilt, legs["left"], legs["right"])


def _foot(line: Timeline, side: Side, t: Floats, walking: Floats) -> _Foot:
    p = line.person
    own, left = (p.left, 1.0) if side == "left" else (p.right, -1.0)
    x, y, facing, pitch, bend, thigh, knee = (
        line.values(f"{channel}_{side}", t) for channel in ("x", "y", "heading", "pitch", "bend", "thigh", "knee")
    )
    foot = _Foot(
        side, left, x, y, facing, np.full(len(t), p.ankle_height), pitch, np.zeros(len(t)), bend, thigh, knee, own.toe_out
    )
    gait = line.gait
    for contact in line.contacts:
        if contact.side != side:
            continue
        strike = contact.strike_s if contact.strike_s is not None else contact.off_s - FOOT_OFF * gait.stride_s  # pyright: ignore[reportOptionalOperand]
        end = contact.off_s + (1.0 - FOOT_OFF) * gait.stride_s if contact.off_s is not None else strike + gait.stride_s
        rows = slice(*np.searchsorted(t, (strike, end)))
        phase = (t[rows] - strike) / gait.stride_s
        # a stance from a strike on, or from where the heel of a standing foot would rise
        began = contact.strike_s is not None
        pitch_here = gait.pitch(phase)
        early, late = phase < FLAT[1], phase >= FLAT[1]
        swing = phase >= FOOT_OFF
        scale = np.where(early, contact.strike_ratio, contact.off_ratio)
        # the next strike is as steep as the step that ends there is long
        pitch_here = pitch_here * scale
        if contact.off_s is None:
            pitch_here[late] = 0.0
        forward, up = pivoted(pitch_here, p.ankle_height)
        out = facing[rows] + left * own.toe_out
        foot.x[rows] += forward * np.cos(out)
        foot.y[rows] += forward * np.sin(out)
        foot.z[rows] += up
        foot.pitch[rows] += pitch_here
        roll = PRESSURE[0] + (PRESSURE[1] - PRESSURE[0]) * minimum_jerk(phase / FOOT_OFF)
        foot.roll[rows] = walking[rows] * roll if began else walking[rows] * np.maximum(roll, 0.0)
        wanted = gait.knee(phase)
        foot.bend[rows] += walking[rows] * (wanted - foot.bend[rows])
        if contact.off_s is not None:
            ratio = contact.off_ratio
            inside = np.flatnonzero(swing) + rows.start
            foot.thigh[inside] = ratio * gait.hip(phase[swing])
            foot.knee[inside] = ratio * gait.knee(phase[swing])
    return foot


def _walk_phase(line: Timeline, t: Floats) -> Floats:
    """Phase of the left leg's stride, running on from one walk to the next."""
    phase = np.zeros(len(t))
    for first_s, side in line.walks:
        rows = t >= first_s - 4.0
        phase[rows] = (t[rows] - first_s) / line.gait.stride_s + (0.0 if side == "left" else 0.5)
    return phase


def _onward(line: Timeline, bend: Floats, lean: Floats) -> Floats:
    """How far the hips are in front of the ankles, m."""
    p = line.person
    shank = p.shank_at_stand + lean
    return p.shank * np.sin(shank) - p.thigh * np.sin(p.knee_at_stand + bend - shank)


def _height(ankle_z: Floats, length: Floats, far: Floats) -> Floats:
    """Of a hip over its ankle; a leg that cannot reach (it does not carry then) is as good as level."""
    return ankle_z + np.sqrt(np.maximum(length**2 - far, 0.01))


def _lifted(line: Timeline, f: _Foot, hip: Floats, pelvis_heading: Floats, lift: Floats, t: Floats) -> Floats:
    """(3, n) of the ankle: on its footprint, hanging from the hip, or in between."""
    p = line.person
    plane = 0.5 * (pelvis_heading + f.heading)
    c, s = np.cos(plane), np.sin(plane)
    # of the footprint to the left of the hip
    lateral = (f.y - hip[1]) * c - (f.x - hip[0]) * s
    lateral = lateral * (1.0 - line.values(f"under_{f.side}", t))
    forward, down = hanging(p, f.thigh, f.knee)
    scale = np.sqrt(np.maximum(1.0 - lateral**2 / (forward**2 + down**2), 0.0))
    forward, down = forward * scale, down * scale
    free = np.stack((hip[0] + c * forward - s * lateral, hip[1] + s * forward + c * lateral, hip[2] - down))
    ground = np.stack((f.x, f.y, f.z))
    return ground + lift * (free - ground)


def _jolt(line: Timeline, side: Side, t: Floats) -> Floats:
    """m, down and up, of the shocks of a foot."""
    jolt = np.zeros(len(t))
    for foot, at, strength in line.strikes:
        if foot == side and strength > 0.0:
            rows = slice(*np.searchsorted(t, (at, at + 0.12)))
            since = t[rows] - at
            x = since / JOLT_S
            jolt[rows] -= strength * JOLT_SHAPE * x**3 * np.exp(-x) * np.cos(2.0 * np.pi * JOLT_HZ * since)
    return jolt


def _jolt_shape() -> float:
    """m per m/s² of the largest acceleration."""
    since = np.arange(0.0, 0.12, 1e-4)
    x = since / JOLT_S
    shape = x**3 * np.exp(-x) * np.cos(2.0 * np.pi * JOLT_HZ * since)
    return 1.0 / float(np.abs(np.gradient(np.gradient(shape, since), since)).max())


JOLT_SHAPE: Final = _jolt_shape()
