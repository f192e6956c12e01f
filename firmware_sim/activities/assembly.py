"""From the score to the path of every foot and of the pelvis: what carries the person decides where the pelvis is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from firmware_sim.activities.balance import over_the_feet, smoothed
from firmware_sim.activities.gait import FLAT, FOOT_OFF, PRESSURE, pivoted
from firmware_sim.activities.leg import hanging, leg_length, soft_positive
from firmware_sim.activities.lying import STILL, laid
from firmware_sim.activities.timeline import Timeline
from firmware_sim.body import SWAY_MOVE
from firmware_sim.motion import Track, minimum_jerk
from imu.conventions import SIDES, Side

Floats = NDArray[np.float64]

FACING_OVER_S: Final = 0.18
"""Over this the pelvis follows the feet that carry it."""
PLANTED_BEND: Final = np.radians(-2.0)
"""Beyond the stand: the pelvis comes down rather than that a planted leg gets straighter than this."""
LANDING: Final = 0.5
"""Lift below which a foot must be within reach: not only planted ones, or a leg would be pulled straight as it lands."""
DIP_S: Final = 0.12
"""So long before and after it does."""
LIFTED: Final = (0.5, 1.04)
"""of a stride: meanwhile thigh and knee of a walking leg say how it would hang."""
STRAIGHTEST_AT: Final = 0.415
FREE_BEND: Final = np.radians(-3.5)
"""Beyond the stand: a foot in the air is drawn in rather than that its leg gets straighter than this."""
DRAWN_IN: Final = 0.003
"""m over which it is. Kinks here are what would shake the leg."""
PRESSURE_PER_PITCH: Final = 0.1
"""m/rad: beyond how far the ankle itself goes when a planted foot rolls over its toes or its heel."""
CLEARANCE: Final = 0.015
"""m by which a foot that clears the floor is above it, where its leg would hang at the floor."""
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
    roll: Floats
    """Of the foot: sole inwards."""


@dataclass(slots=True, eq=False)
class BodyPath:
    """The body at all nodes."""

    centre: Floats
    """(3, n) m, middle between the hips."""
    facing: Floats
    """To where the person faces, + left of earth x; the pelvis turns to and fro about it."""
    heading: Floats
    """Of the pelvis."""
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
    # who walks does not lean over each foot
    onto = 0.5 + (share - 0.5) * (h.trunk_share + (1.0 - h.trunk_share) * walking)
    facing = smoothed(share * left.facing + (1.0 - share) * right.facing, step, FACING_OVER_S)
    # forward, a foot that leads may count for more than sideways
    lead = line.values("lead", t)
    weight = {"left": share + lead, "right": 1.0 - share - lead}
    # the pressure is in front of the ankles by as much in every stand
    under = [(f.x + f.roll * np.cos(f.facing), f.y + f.roll * np.sin(f.facing)) for f in (left, right)]
    apart = [under[0][i] - under[1][i] for i in range(2)]
    ahead = lead * (apart[0] * np.cos(facing) + apart[1] * np.sin(facing))
    balanced = [
        over_the_feet(onto * under[0][i] + (1.0 - onto) * under[1][i] + ahead * along, step, p)
        for i, along in enumerate((np.cos(facing), np.sin(facing)))
    ]
    sway = p.sway(t) * Track((SWAY_MOVE,))(t) * (1.0 - (1.0 - STILL) * line.values("floor", t))
    wobble = h.balance(t) * alone * (1.0 + line.values("unsteady", t))
    lean = line.values("lean", t)
    phase = _walk_phase(line, t)
    rotation = line.values("rotation", t) + sway[4] + wobble[2]
    rotation = rotation - walking * line.gait.side_forward(phase)
    obliquity = line.values("obliquity", t) + sway[2] + wobble[1] - walking * line.gait.side_up(phase)
    onward = sum(weight[side] * _onward(line, feet[side].bend, lean) for side in SIDES)
    onward = onward * (1.0 - walking) + walking * line.gait.ahead
    onward = onward + sway[0] * (p.thigh + p.shank)
    sideways = sway[1] + wobble[0] + line.values("sideways", t)
    c, s = np.cos(facing), np.sin(facing)
    x = balanced[0] + c * onward - s * sideways
    y = balanced[1] + s * onward + c * sideways
    heading = facing + rotation
    half = 0.5 * p.hip_width
    # hips against the middle: across is to the right
    level, across_z = np.cos(obliquity), np.sin(obliquity)
    across_x, across_y = level * np.sin(heading), -level * np.cos(heading)
    z = np.zeros(len(t))
    offsets = {f.side: (x - f.left * half * across_x, y - f.left * half * across_y) for f in feet.values()}
    for f in feet.values():
        hip_x, hip_y = offsets[f.side]
        far = (hip_x - f.x) ** 2 + (hip_y - f.y) ** 2
        z += weight[f.side] * (_height(f.z, leg_length(p, f.bend), far) + f.left * half * across_z)
    lifts = {side: line.values(f"lift_{side}", t) for side in SIDES}
    dip = np.zeros(len(t))
    for f in feet.values():
        hip_x, hip_y = offsets[f.side]
        far = (hip_x - f.x) ** 2 + (hip_y - f.y) ** 2
        highest = _height(f.z, leg_length(p, PLANTED_BEND), far) + f.left * half * across_z
        dip = np.maximum(dip, np.where(lifts[f.side] < LANDING, z - highest, 0.0))
    z -= _eased(dip, round(DIP_S / step))
    jolts = {side: _jolt(line, side, t) for side in SIDES}
    z = z + JOLT_PELVIS * (jolts["left"] + jolts["right"])
    middle = np.stack((0.5 * (left.x + right.x), 0.5 * (left.y + right.y)))
    x, y, z = laid(line, t, np.stack((x, y, z)), middle, facing)
    legs = {}
    for f in feet.values():
        hip = np.stack((x - f.left * half * across_x, y - f.left * half * across_y, z - f.left * half * across_z))
        ankle = _lifted(line, f, hip, heading, lifts[f.side], t)
        ankle[2] += jolts[f.side]
        inward, adduction = line.values(f"inward_{f.side}", t), line.values(f"adduction_{f.side}", t)
        legs[f.side] = LegPath(ankle, f.heading, f.pitch, inward, adduction, line.values(f"roll_{f.side}", t))
    tilt = line.values("tilt", t) + sway[3]
    return BodyPath(np.stack((x, y, z)), facing, heading, obliquity, tilt, legs["left"], legs["right"])


def _foot(line: Timeline, side: Side, t: Floats, walking: Floats) -> _Foot:
    p = line.person
    own, left = (p.left, 1.0) if side == "left" else (p.right, -1.0)
    x, y, facing, pitch, bend, thigh, knee = (
        line.values(f"{channel}_{side}", t) for channel in ("x", "y", "heading", "pitch", "bend", "thigh", "knee")
    )
    foot = _Foot(
        side, left, x, y, facing, np.full(len(t), p.ankle_height), pitch, np.zeros(len(t)), bend, thigh, knee, own.toe_out
    )
    # a planted foot rolls over its toes or its heel, and the pressure goes there
    rolled = line.values(f"heel_{side}", t)
    forward, up = pivoted(rolled, p.ankle_height)
    foot.x += forward * np.cos(foot.heading)
    foot.y += forward * np.sin(foot.heading)
    foot.z += up
    foot.pitch += rolled
    foot.roll -= PRESSURE_PER_PITCH * rolled
    gait = line.gait
    for contact in line.contacts:
        if contact.side != side:
            continue
        strike = contact.strike_s if contact.strike_s is not None else contact.off_s - FOOT_OFF * gait.stride_s  # pyright: ignore[reportOptionalOperand]
        end = contact.off_s + (1.0 - FOOT_OFF) * gait.stride_s if contact.off_s is not None else strike + gait.stride_s
        began = contact.strike_s is not None
        # a foot that stood before: from before the walk on, in the phase in which a walking knee is straightest
        rows = slice(*np.searchsorted(t, (strike if began else strike - gait.stride_s, end)))
        phase = (t[rows] - strike) / gait.stride_s
        if not began:
            phase = np.maximum(phase, 0.0)
        pitch_here = gait.pitch(phase)
        early, late = phase < FLAT[1], phase >= FLAT[1]
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
        wanted = gait.knee(phase if began else np.maximum(phase, STRAIGHTEST_AT))
        foot.bend[rows] += walking[rows] * (wanted - foot.bend[rows])
        if contact.off_s is not None:
            first_s, last_s = strike + LIFTED[0] * gait.stride_s, strike + LIFTED[1] * gait.stride_s
            swing = slice(*np.searchsorted(t, (first_s, last_s)))
            phase = (t[swing] - strike) / gait.stride_s
            foot.thigh[swing] = contact.off_ratio * gait.hip(phase)
            foot.knee[swing] = contact.off_ratio * gait.knee(phase)
    return foot


def _walk_phase(line: Timeline, t: Floats) -> Floats:
    """Phase of the left leg's stride, running on from one walk to the next."""
    phase = np.zeros(len(t))
    for first_s, side in line.walks:
        rows = t >= first_s - 1.0
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


def _eased(dip: Floats, reach: int) -> Floats:
    """At least as much at every node, and smooth: nodes take the most of `reach` to both sides, then the mean of it."""
    most = maximum_filter1d(dip, 2 * reach + 1)
    bell = np.hanning(2 * reach + 3)[1:-1]
    return np.asarray(np.convolve(np.pad(most, reach, mode="edge"), bell / bell.sum(), mode="valid"), np.float64)


def _lifted(line: Timeline, f: _Foot, hip: Floats, pelvis_heading: Floats, lift: Floats, t: Floats) -> Floats:
    """(3, n) of the ankle: on its footprint, hanging from the hip, or in between."""
    p = line.person
    plane = 0.5 * (pelvis_heading + f.heading)
    c, s = np.cos(plane), np.sin(plane)
    # of the footprint to the left of the hip
    lateral = (f.y - hip[1]) * c - (f.x - hip[0]) * s
    lateral = lateral * (1.0 - line.values(f"under_{f.side}", t))
    forward, down = hanging(p, f.thigh, f.knee)
    lateral = lateral + f.left * np.sin(line.values(f"abduct_{f.side}", t)) * np.sqrt(forward**2 + down**2)
    scale = np.sqrt(np.maximum(1.0 - lateral**2 / (forward**2 + down**2), 0.0))
    forward, down = forward * scale, down * scale
    free = np.stack((hip[0] + c * forward - s * lateral, hip[1] + s * forward + c * lateral, hip[2] - down))
    ground = np.stack((f.x, f.y, f.z))
    clears = line.values(f"clears_{f.side}", t)
    if clears.any():
        over = free[2] - ground[2]
        free[2] += clears * (soft_positive(over, CLEARANCE) - over)
    ankle = ground + lift * (free - ground)
    reach = ankle - hip
    distance = np.sqrt((reach * reach).sum(axis=0))
    longest = leg_length(p, FREE_BEND)
    over = distance - longest + soft_positive(longest - distance, DRAWN_IN)
    return ankle - (1.0 - (1.0 - lift) ** 6) * over / distance * reach


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
