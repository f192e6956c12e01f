"""The calibrated segments and joints of one person: grid frames and relative headings in, angles out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.config import Setup
from imu.conventions import ANGLES, CORE_SEGMENTS, SEGMENTS, G, angle_column, side_of
from imu.fusion.grid import GridBlock
from imu.kinematics import angles, rests, segments
from imu.kinematics.beside import witness_of
from imu.kinematics.calibration import Calibration, Evidence
from imu.kinematics.heading import JointSpec
from imu.kinematics.joint_reading import LOST_HEADING
from imu.kinematics.layout import JOINT, SEGMENT, Record, Records, part_of
from imu.outputs import Event, FrameBlock
from imu.packets import Floats, Quality

STAND_SIGMA: Final = math.radians(0.3)
"""rad; sway of the mean of a stand."""


@dataclass(frozen=True, slots=True, eq=False)
class SkeletonState:
    """Everything that changes in a `Skeleton`."""

    segments: Records
    joints: Records
    rests: Records


@dataclass(frozen=True, slots=True)
class Rest:
    """All sensors stood still and upright as in the calibrated stand."""

    t_us: int
    """Its start; it goes on."""
    first: bool
    """It has not told the headings before."""
    poses: tuple[tuple[float, float], ...]
    """rad, relative heading of every joint, and its 1σ, if it faces as in the calibrated stand; (NaN, inf) = unknown."""


class Skeleton:
    """Reads angles; what is not calibrated yet stays unknown.

    Parameters
    ----------
    setup : Setup
    joints : sequence of JointSpec
        Rows of neighbours, proximal joints first.
    """

    def __init__(self, setup: Setup, joints: Sequence[JointSpec]) -> None:
        names = [s.segment for s in setup.sensors]
        self._names = names
        self._acc_covariance = [_symmetric(s.acc_covariance) for s in setup.sensors]
        self._dt = 1.0 / setup.grid_hz
        self._segments = np.zeros(len(names), SEGMENT)
        self._segments["part"] = [part_of(name) for name in names]
        self._segments["witness"] = [witness_of(names, j) for j in range(len(names))]
        slots = [names.index(s) if s in names else -1 for s in SEGMENTS[: len(CORE_SEGMENTS)]]
        self._slots = np.array(slots, np.int64)
        self._joints = np.zeros(len(joints), JOINT)
        for spec, joint in zip(joints, self._joints, strict=True):
            side = side_of(names[spec.distal])
            joint["proximal"], joint["distal"] = spec.proximal, spec.distal
            joint["columns"] = [angle_column(f"{spec.kind}_{name}", side) for name in ("flexion", "adduction", "rotation")]
            # a knee bends backward
            joint["flexion_sign"] = -1.0 if spec.kind == "knee" else 1.0
            joint["side_sign"] = 1.0 if side == "right" else -1.0
        self._rests = np.zeros(1, rests.RESTS)

    def scan_rest(self, grid: GridBlock, start: int, stop: int) -> tuple[int, bool]:
        """Frames start..stop up to the end of a rest: (frame after it or `stop`, whether there is one)."""
        return rests.scan(
            start, stop, grid.t_us, grid.q, grid.gyr, grid.flags, self._dt, self._segments, self._rests
        )  # fmt: skip

    def take_rest(self, evidence: Evidence) -> Rest:
        """The rest that `scan_rest` has found is over for it: what it tells. Call after `read` of its frames.

        Rotation is zero in the mean of all stands, the calibrated one first: what its fronts were found with is mostly less
        sure than what the motion (`evidence`) has told of the headings since, and people put their feet down differently.
        """
        count, first = int(self._rests[0]["count"]), int(self._rests[0]["told"]) == 0
        whole = self._segments["rest_n"] == count
        facing = np.arctan2(self._segments["rest_sum"][:, 1], self._segments["rest_sum"][:, 0])
        poses = []
        for k, joint in enumerate(self._joints):
            a, b = int(joint["proximal"]), int(joint["distal"])
            apart = float(facing[a] - facing[b])
            if first and whole[a] and whole[b]:
                _learn_turn(joint, apart, *evidence(k))
            if not (joint["known"] and whole[a] and whole[b]):
                poses.append((math.nan, math.inf))
                continue
            sigma = math.sqrt(float(joint["turned_var"]) + rests.STANCE_SIGMA**2)
            poses.append((math.remainder(apart + float(joint["turned"]), 2.0 * math.pi), sigma))
        rests.keep(self._segments, self._rests)
        return Rest(int(self._rests[0]["t_start"]), first, tuple(poses))

    def read(
        self, grid: GridBlock, start: int, stop: int, delta: Floats, sigma: Floats, out: FrameBlock,
        events: Sequence[Event] = (),
    ) -> None:  # fmt: skip
        """Frames start..stop with the calibration as it is; delta, sigma (m, J) rad of the joints.

        A `slip_found` among `events` that was decided in these frames marks its segment from the frame after it on, until
        it is calibrated anew.
        """
        for event in events:
            if event.kind == "slip_found":
                known = int(np.searchsorted(grid.t_us, event.t_emitted_us, side="right"))
                if start < known <= stop:
                    self._read(grid, start, known, delta, sigma, out)
                    self._segments[self._names.index(event.segment)]["slipped"] = 1
                    start = known
        self._read(grid, start, stop, delta, sigma, out)

    def _read(self, grid: GridBlock, start: int, stop: int, delta: Floats, sigma: Floats, out: FrameBlock) -> None:
        steady = out.steady
        assert steady is not None
        angles.run(
            start, stop, grid.q, grid.gyr, grid.acc, grid.flags, delta, sigma, self._dt,
            self._slots, self._segments, self._joints, out.q_earth_segment, out.angle, out.sigma, out.flags, steady,
        )  # fmt: skip

    def unknown(self, grid: GridBlock) -> FrameBlock:
        """Frames of this grid in which nothing is known."""
        m, n, a = len(grid), len(self._names), len(ANGLES)
        return FrameBlock(
            grid.t_us, np.full((m, n, 4), np.nan), np.full((m, a), np.nan), np.full((m, a), np.nan),
            np.full((m, a), int(Quality.NOT_CALIBRATED), np.uint16), np.zeros((m, a)),
        )  # fmt: skip

    def mount(self, calibration: Calibration, turn_at_stand: Callable[[int], Floats | None], age_s: float) -> None:
        """From the next frame on this calibration holds.

        turn_at_stand: row -> (3, 3) mean R_earth_sensor in its stand, None = another heading since; age_s: s since then.
        """
        for j, found in enumerate(calibration.segments):
            q, segment = found.q_sensor_segment, self._segments[j]
            if q is None:
                segment["known"] = segment["slipped"] = 0
            elif not segment["known"] or tuple(segment["q"].tolist()) != q:
                segment["known"], segment["q"], segment["slipped"] = 1, q, 0
                segment["axis_sigma"], segment["stand_sigma"] = found.axis_sigma, STAND_SIGMA
                frame = found.frame
                assert frame is not None
                segment["acc_var"] = np.einsum("ij,jk,ik->i", frame.T, self._acc_covariance[j], frame.T) / G**2
                self._face(j, frame, turn_at_stand(j), age_s)
        for joint, found in zip(self._joints, calibration.joints, strict=False):
            joint["known"] = int(math.isfinite(found.delta) and math.isfinite(found.sigma))
            variance = found.sigma**2 if joint["known"] else 0.0
            if (joint["told"], joint["told_var"]) != (found.turned, variance):
                joint["told"], joint["told_var"] = joint["turned"], joint["turned_var"] = found.turned, variance
            joint["axis_sigma"] = self._segments[int(joint["proximal"])]["axis_sigma"]

    def _face(self, j: int, frame: Floats, turn: Floats | None, age_s: float) -> None:
        """Headings of a segment's axes as they were in the stand, if its filter has kept its heading since."""
        segment = self._segments[j]
        segment["facing_known"] = segment["axis_known"] = segment["rest_known"] = 0
        if turn is None:
            return
        forward, right = turn @ frame[:, 0], turn @ frame[:, 2]
        for name, direction in (("facing", forward), ("axis", right), ("rest", right)):
            length = math.hypot(float(direction[0]), float(direction[1]))
            segment[name] = float(direction[0]) / length, float(direction[1]) / length
        # who has been on the move for long may have turned: the axis is known again after the next rest
        segment["facing_known"], segment["axis_known"] = 1, int(age_s < segments.STALE_S)
        segment["rest_known"] = 1
        segment["axis_age"] = segment["rest_age"] = round(age_s / self._dt)

    def state(self) -> SkeletonState:
        """A copy of everything that changes."""
        return SkeletonState(self._segments.copy(), self._joints.copy(), self._rests.copy())

    def restore(self, state: SkeletonState) -> None:
        """Continue from what `state` of an equal one returned."""
        self._segments, self._joints, self._rests = state.segments.copy(), state.joints.copy(), state.rests.copy()


def _learn_turn(joint: Record, apart: float, delta: float, sigma: float) -> None:
    """One more stand tells how the fronts of a joint are turned against each other; delta, sigma: what the motion says."""
    if not (math.isfinite(delta) and sigma < LOST_HEADING):
        return
    seen = rests.STANCE_SIGMA**2 + sigma**2
    if not joint["known"]:
        joint["known"], joint["turned"], joint["turned_var"] = 1, math.remainder(delta - apart, 2.0 * math.pi), seen
        return
    gain = float(joint["turned_var"]) / (float(joint["turned_var"]) + seen)
    joint["turned"] += gain * math.remainder(delta - apart - float(joint["turned"]), 2.0 * math.pi)
    # the next stand shares the error of the headings with this one
    joint["turned_var"] = max((1.0 - gain) * float(joint["turned_var"]), min(float(joint["turned_var"]), 0.5 * sigma**2))


def _symmetric(values: tuple[float, ...]) -> Floats:
    """(3, 3) from xx, xy, xz, yy, yz, zz."""
    xx, xy, xz, yy, yz, zz = values
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
