"""The watch over a session: are the sensors where their labels say, and have they stayed where they were calibrated?"""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.config import Setup
from imu.conventions import SIDES, place, side_of
from imu.fusion.grid import GridBlock
from imu.kinematics.calibration import Calibration
from imu.kinematics.layout import OTHER, PELVIS, Records, part_of
from imu.kinematics.watch import phases, scan
from imu.kinematics.watch.buffer import FrameBuffer, Kept
from imu.kinematics.watch.layout import BLOCK, COMMON, CYCLE, CYCLES, LEG, LIMB, PAIRING, PHASE, REST
from imu.kinematics.watch.places import PLACES_SURE, exchanged, propose
from imu.kinematics.watch.sides import SideEvidence, advice, exchanges_of
from imu.kinematics.watch.slip import Look, Slip, SlipWatch
from imu.kinematics.watch.turns import Turns
from imu.outputs import Event

LEG_LABELS: Final = (("left", "left"), ("right", "right"), ("left", "right"), ("right", "left"))
"""Labelled side of thigh and shank of the four legs that may be meant."""
LOOK_EVERY_S: Final = 5.0
"""How often who wears what is looked at before the calibration."""
LIFTED_SHARE: Final = 0.45
"""of the time on one leg: who reaches the floor with the heel in front seems to stand on that foot for a moment."""
CHANGE_OF_MIND: Final = 15.0
"""Odds (logarithm) against what was said before, to say something else."""
UNCHECKED, CHECKED, SWAPPED, CONFIRMED = "unchecked", "checked", "swap found", "confirmed"


def group_of(segment: str) -> int:
    """Which quiet stands a segment is looked at in: those of the left or right leg, or of the pelvis; -1 = none."""
    side = side_of(segment)
    if part_of(segment) == OTHER:
        return -1
    return 2 if side is None or part_of(segment) == PELVIS else SIDES.index(side)


@dataclass(frozen=True, slots=True, eq=False)
class WatchState:
    """Everything that changes in a `Watch`."""

    kept: Kept
    limbs: Records
    pairings: Records
    cycles: Records
    common: Records
    evidence: SideEvidence
    slip: SlipWatch
    sides: str
    exchange: str
    begun: bool
    waited: int
    proposed: str


class Watch:
    """Looks at every frame of a session for sensors that were exchanged or have moved. Says so, changes nothing.

    Parameters
    ----------
    setup : Setup
        Who is where, and the rate of the frames.
    """

    def __init__(self, setup: Setup) -> None:
        self._names = [s.segment for s in setup.sensors]
        self._dt = 1.0 / setup.grid_hz
        self._buffer = FrameBuffer(setup.grid_hz)
        self._limbs = np.zeros(len(self._names), LIMB)
        self._limbs["part"] = [part_of(name) for name in self._names]
        self._limbs["group"] = [group_of(name) for name in self._names]
        self._legs = np.zeros(len(LEG_LABELS), LEG)
        for leg, (thigh, shank) in zip(self._legs, LEG_LABELS, strict=True):
            for part, side in (("thigh", thigh), ("shank", shank)):
                name = f"{part}_{side}"
                leg[part] = self._names.index(name) if name in self._names else -1
        self._exchanges = exchanges_of(self._legs)
        self._pairings, self._cycles, self._common = np.zeros(2, PAIRING), np.zeros(2, CYCLES), np.zeros(1, COMMON)
        self._slip = SlipWatch(self._names, [part_of(name) for name in self._names])
        self._evidence = SideEvidence()
        self._begun = False
        self._look_every, self._waited, self._proposed = round(LOOK_EVERY_S * setup.grid_hz), 0, ""
        self.sides = UNCHECKED
        """`unchecked`, `checked`, `swap found` or `confirmed`."""
        self.exchange = ""
        """What seems to be exchanged (`Exchange.name`); empty = nothing."""
        self._forget_side_evidence()

    @property
    def slipped(self) -> frozenset[str]:
        """Segments whose sensor has moved since the calibration."""
        return frozenset(self._slip.slipped)

    @property
    def notice(self) -> str:
        """For the person: what is wrong, and what to do about it; empty = nothing."""
        if self.sides == SWAPPED:
            return "Two sensors seem to be exchanged. Please ask for help"
        if self._slip.slipped:
            return f"The strap on the {place(min(self._slip.slipped))} has moved. Tighten it, then ask for help"
        return ""

    def run(self, grid: GridBlock, start: int, stop: int, calibration: Calibration | None) -> list[Event]:
        """Frames start..stop, with the calibration that holds for them; what was found in them.

        Gravity and each sensor's own rates suffice; what depends on relative headings would move with their errors. The
        stand and the guided movement are watched with the first frame that has a calibration; nothing else depends on how
        frames are grouped.
        """
        events: list[Event] = []
        if calibration is None:
            self._wait(grid, start, stop, events)
            return events
        if start >= stop:
            return events
        self._mount(calibration, int(grid.t_us[start]))
        if not self._begun:
            self._begun = True
            self._look_back(calibration, int(grid.t_us[start]), events)
        self._advance(grid, start, stop, None, events)
        return events

    def _wait(self, grid: GridBlock, start: int, stop: int, events: list[Event]) -> None:
        """Frames before the calibration. A thigh and a shank that wear each other's sensor are never calibrated: the
        guided movement itself tells them."""
        while start < stop:
            end = min(stop, start + self._look_every - self._waited % self._look_every)
            self._buffer.push(grid, start, end)
            self._waited += end - start
            start = end
            if self._waited % self._look_every == 0 and self.sides == UNCHECKED and self._exchanges:
                now = int(grid.t_us[start - 1])
                kept = self._buffer.since(0)
                name = exchanged(propose(kept, self._names), self._exchanges) if kept is not None else ""
                if name and name == self._proposed:
                    self.sides, self.exchange = SWAPPED, name
                    exchange = next(e for e in self._exchanges if e.name == name)
                    events.append(Event("swap_found", now, now, None, PLACES_SURE, name, advice(exchange)))
                self._proposed = name

    def confirm(self) -> None:
        """A person has looked: every sensor is where its label says. Nothing more is said about it."""
        self.sides, self.exchange = CONFIRMED, ""

    def renew(self, segment: str) -> None:
        """The present position of this sensor is right: after its strap was set right and calibrated again."""
        self._slip.renew(segment)

    def _mount(self, calibration: Calibration, now: int) -> None:
        """Take over the frames of segments that are new or were calibrated again."""
        for j, found in enumerate(calibration.segments):
            q = found.q_sensor_segment
            limb = self._limbs[j]
            if q is None:
                limb["known"] = 0
            elif limb["known"] == 0 or tuple(limb["q"].tolist()) != tuple(q):
                again = bool(np.any(limb["q"] != 0.0))
                limb["known"], limb["q"], limb["fine"] = 1, q, 0
                if again:
                    self._slip.renew(found.segment)
                    if side_of(found.segment) is not None:
                        self._forget_side_evidence()
        if not self._begun:
            self._slip.begin(now)

    def _look_back(self, calibration: Calibration, now: int, events: list[Event]) -> None:
        """The stand and the guided movement, now that their frames can be read."""
        grid = self._buffer.since(calibration.stand_us[0])
        self._buffer.clear()
        if grid is None:
            return
        self._advance(grid, 0, len(grid), now, events)

    def _advance(
        self, grid: GridBlock, start: int, stop: int, emitted_us: int | None, events: list[Event]
    ) -> None:  # fmt: skip
        """Frames through the kernels, decision by decision; `emitted_us`: None = with the frame that decides."""
        row = start
        while row < stop:
            row, why = scan.run(
                row, stop, grid.t_us, grid.q, grid.gyr, grid.acc, grid.flags, self._dt,
                self._limbs, self._legs, self._pairings, self._cycles, self._common,
            )  # fmt: skip
            now = int(grid.t_us[row - 1])
            if why:
                self._decide(why, now, now if emitted_us is None else emitted_us, events)

    def _decide(self, why: int, now: int, emitted_us: int, events: list[Event]) -> None:
        for n in range(2):
            if why & PHASE[n]:
                self._evidence.take_phase(n, self._pairings[n], self._dt)
        if why & BLOCK:
            self._evidence.take_block(self._common[0], phases.BLOCK_S)
        if why & (PHASE[0] | PHASE[1] | BLOCK):
            self._judge_sides(now, emitted_us, events)
        slips: list[Slip] = []
        for n, side in enumerate(SIDES):
            if why & CYCLE[n]:
                turns = Turns.of(self._cycles[n], self._dt)
                if turns is not None:
                    slips += self._slip.cycle(side, turns)
        for group in range(3):
            if why & REST[group]:
                slips += self._slip.rest(now, self._looks(group))
        if self.sides == SWAPPED:
            # thigh and shank of two legs turn against each other at every step
            for slip in slips:
                self._slip.renew(slip.segment)
            return
        events += [self._slip_event(s, emitted_us) for s in slips]

    def _looks(self, group: int) -> dict[str, Look]:
        looks = {}
        for name, s in zip(self._names, self._limbs, strict=True):
            if s["known"] == 0 or s["group"] != group or s["rest_n"] == 0:
                continue
            x, y, z = (float(v) for v in s["rest_up"])
            cos, sin = (float(v) for v in s["rest_face"])
            restarted, lifted = bool(s["restarted"]), int(s["lifted"]) > LIFTED_SHARE * int(s["alone"])
            both = int(s["lifted"]) + int(s["alone"]) == 0
            s["restarted"] = s["lifted"] = s["alone"] = 0
            looks[name] = Look(
                math.atan2(x, y), -math.asin(z), math.atan2(sin, cos), float(s["rest_turned"]), restarted, lifted, both
            )
        return looks

    def _judge_sides(self, now: int, emitted_us: int, events: list[Event]) -> None:
        if not self._exchanges or self.sides == CONFIRMED:
            return
        verdict = self._evidence.verdict(self._exchanges)
        name = verdict.exchange.name
        if not verdict.sure:
            return
        # what was said before the calibration may have been set right since
        early, self._proposed = bool(self._proposed), ""
        least = 0.0 if early else CHANGE_OF_MIND
        if self.sides != UNCHECKED and (name == self.exchange or verdict.odds < least):
            return
        self.sides, self.exchange = (SWAPPED if name else CHECKED), name
        if name:
            detail = advice(verdict.exchange)
            events.append(Event("swap_found", now, emitted_us, None, verdict.confidence, name, detail))
        else:
            detail = "every sensor is on the leg that its label says"
            events.append(Event("sides_checked", now, emitted_us, None, verdict.confidence, "single-leg phases", detail))

    def _slip_event(self, slip: Slip, emitted_us: int) -> Event:
        where = place(slip.segment)
        how = "has tilted on the limb" if slip.sign == "tilt" else "has turned around the limb"
        detail = (
            f"{where}: the sensor {how} by about {math.degrees(slip.amount):.0f}°; check the {where} strap,"
            " then stand still and repeat the guided movement"
        )
        confidence = math.erf(min(slip.sigmas, 6.0) / math.sqrt(2.0))
        return Event(
            "slip_found", slip.since_us, emitted_us, side_of(slip.segment), confidence, slip.sign, detail, slip.segment
        )  # fmt: skip

    def _forget_side_evidence(self) -> None:
        self._evidence = SideEvidence()
        self._pairings["stance"] = self._pairings["ended"] = -1
        if self.sides != CONFIRMED:
            self.sides, self.exchange = UNCHECKED, ""

    def state(self) -> WatchState:
        """A copy of everything that changes."""
        return WatchState(
            self._buffer.state(), self._limbs.copy(), self._pairings.copy(), self._cycles.copy(), self._common.copy(),
            deepcopy(self._evidence), self._slip.copy(), self.sides, self.exchange, self._begun,
            self._waited, self._proposed,
        )  # fmt: skip

    def restore(self, state: WatchState) -> None:
        """Continue from what `state` of a watch with equal setup returned."""
        self._buffer.restore(state.kept)
        self._limbs, self._pairings, self._cycles = state.limbs.copy(), state.pairings.copy(), state.cycles.copy()
        self._common, self._evidence, self._slip = state.common.copy(), deepcopy(state.evidence), state.slip.copy()
        self.sides, self.exchange, self._begun = state.sides, state.exchange, state.begun
        self._waited, self._proposed = state.waited, state.proposed
