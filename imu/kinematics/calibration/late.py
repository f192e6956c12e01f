"""Looks for what could not be calibrated with the others (a sensor that was silent, a pelvis that did not tilt).

It is looked for at a rest in which the others are where they were at the stand, and in the movements after it. A pelvis or
a foot that stood with the others need not wait for that rest: it faces as its neighbours do as soon as the accelerations
have told the headings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from imu.config import Setup
from imu.conventions import side_of
from imu.kinematics.calibration.axes import MOST_SIGMA
from imu.kinematics.calibration.fit import Fit, Found
from imu.kinematics.calibration.joints import Evidence
from imu.kinematics.calibration.layout import FULL
from imu.kinematics.calibration.stands import StandSearch
from imu.kinematics.layout import FOOT, PELVIS
from imu.outputs import Event

TRY_S: Final = 2.0
"""Between two looks whether headings tell the front of a pelvis or a foot while the person moves ..."""
LATE_S: Final = 60.0
"""... for so long after the stand: earth frames of neighbours drift apart by up to 2° a minute."""


STEADY: Final = math.radians(6.0)
"""rad. Two looks at the heading of every neighbour that differ by less agree. A hip's first heading in a walk can be off by
three of its σ; two that agree, of both hips, are not."""


class LateSearch(StandSearch):
    """The part of `CalibrationSearch` that adds to a calibration."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._felt: tuple[float, ...] = ()
        """Heading of every joint at the last look while the person moved, rad; NaN = not told."""

    def _fit(self, evidence: Evidence) -> Found:
        return Fit(
            self._names, self._serials, self._sums, self.joints, evidence, self._standing, self._dt, self.calibration
        ).found()  # fmt: skip

    def _accept_late(self, found: Found, events: list[Event], moved: bool = True) -> None:
        """Add what has been found to the calibration; the rest is looked for on.

        Without a movement, from a rest: a pelvis between two thighs, a shank, a foot face as their neighbours do as soon
        as the accelerations have told the headings.
        """
        assert self.calibration is not None
        now = self._now
        segments, joints, new = list(self.calibration.segments), list(self.calibration.joints), set[str]()
        if found.bent:
            self._refuse(found.bent, events)
        for j, (one, s) in enumerate(zip(found.segments, self._sums.sensors, strict=True)):
            if s["used"] and one.q_sensor_segment is not None and not found.bent:
                segments[j] = one = replace(one, reason="; ".join(filter(None, (f"at {now / 1e6:.1f} s", one.reason))))
                words = f"{one.segment}: {one.word}"
                events.append(
                    Event("segment_calibrated", now, now, side=side_of(one.segment), detail=words, segment=one.segment)
                )  # fmt: skip
                new.add(one.segment)
                s["done"] = 1
        for k, joint in enumerate(found.joints):
            if new & {joint.proximal, joint.distal}:
                joints[k] = joint
        if new or moved:
            self.calibration = replace(self.calibration, segments=tuple(segments), joints=tuple(joints))
            self._look_on(self._late())

    @property
    def _holds(self) -> bool:
        """The stand of the calibration serves those that are missing, while the person moves."""
        return self.calibration is not None and self._sums.search[0]["wait_until"] >= 0

    @property
    def _no_rest_since(self) -> bool:
        """The person has not stood since the calibration: what they do is not a movement after a stand."""
        return self.calibration is not None and self.stand_us == self.calibration.stand_us

    def _try_late(self, evidence: Evidence, events: list[Event]) -> None:
        """While the person moves: have the headings to all neighbours of a pelvis or a foot been told, twice alike?"""
        felt = tuple(delta if sigma < MOST_SIGMA else math.nan for delta, sigma in map(evidence, range(len(self.joints))))
        agree = [
            abs(math.remainder(now - before, 2.0 * math.pi)) < STEADY
            for now, before in zip(felt, self._felt or (math.nan,) * len(felt), strict=True)
        ]
        self._felt = felt
        late = self._late()
        told = [False] * len(late)
        for j, wanted in enumerate(late):
            near = [steady for joint, steady in zip(self.joints, agree, strict=True) if j in (joint.proximal, joint.distal)]
            # between two thighs, or over one foot
            enough = 2 if self._sums.sensors[j]["part"] == PELVIS else 1
            told[j] = wanted and len(near) == enough and all(near)
        found = self._fit(evidence) if any(told) else None
        if found is not None and not found.bent:
            self._accept_late(found.only(told), events)
        elif any(late):
            if self._no_rest_since:
                self._forget()  # else the movements after that rest are being summed up
            self._sums.search["wait_until"] = self._now + round(TRY_S * 1e6)
        else:
            self._look_on()

    def _late(self) -> list[bool]:
        """Which pelvis and feet stood with the others, not too long ago, and are not calibrated yet."""
        if self._now - self.stand_us[1] > round(LATE_S * 1e6):
            return [False] * len(self._names)
        return [bool(s["used"]) and not s["done"] and s["part"] in (PELVIS, FOOT) for s in self._sums.sensors]

    def _look_on(self, late: Sequence[bool] = ()) -> None:
        """From now on only what is missing is looked for, from the next rest on; for those of `late` the last stand still
        holds."""
        held = any(late)
        self._sums.sensors["used"] = list(late) if held else 0
        self._sums.search["has_stand"] = FULL if held else 0
        self._forget()
        self._felt = ()
        self._sums.search["wait_until"] = self._now + round(TRY_S * 1e6) if held else -1
