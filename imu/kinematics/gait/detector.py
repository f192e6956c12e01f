"""Gait events in real time, fed with the grid.

Why the grid and not the samples of each sensor: both legs are there at common instants, so that what one says about the
other cannot depend on which packet came first; holes are filled or unknown by one policy; the bias of the gyroscope is
off; and live, replayed and whole recordings are the same. It costs the wait for the slowest sensor, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import Final

import numpy as np

from imu.conventions import SIDES, Side, segment_of
from imu.fusion.grid import GridBlock
from imu.kinematics.calibration import Calibration
from imu.kinematics.gait import frames
from imu.kinematics.gait.events import begin
from imu.kinematics.gait.layout import (
    AXIS,
    COLUMNS,
    FOOT,
    INTERRUPTED,
    KINDS,
    LEG,
    METHODS,
    NEVER,
    RAW,
    REPORT,
    SHANK,
    STANCE,
    STRAPDOWN,
    WAITING,
)
from imu.kinematics.gait.shank import USUAL_START
from imu.kinematics.gait.shock import BEHIND_START_US
from imu.kinematics.gait.shock import USUAL_START as USUAL_SHOCK_START
from imu.kinematics.layout import Records
from imu.outputs import Event
from imu.packets import Floats

MEMORY_S: Final = 5.0
"""s of frames that are gone through once more when the sign of an axis becomes known."""
HALF_S: Final = 0.02
"""s, half width of the low-pass and so its delay; binomial, -3 dB at 13 Hz at 100 Hz."""
LAG_START_US: Final = 15_000.0
"""µs from the zero of the rate to the contact, before a step has shown it."""
STRIDE_START_US: Final = 1_100_000.0
"""µs, of a stride, before one has been seen."""
REPORTS: Final = 256


@dataclass(frozen=True, slots=True, eq=False)
class GaitState:
    """Everything that changes in a `GaitDetector`."""

    legs: Records
    axes: Records
    thighs: Records
    straps: Records
    raw: Floats
    rings: Floats


class GaitDetector:
    """Contacts and foot off of both legs, each from the best that is worn: foot, shank with thigh, shank.

    Events (`imu.outputs.Event`): `initial_contact_predicted` when the limb begins to swing back, for what must sound at
    the contact; `initial_contact` when it is certain; `foot_off`; and `gait_interrupted` where a leg becomes unknown, so
    that nothing is counted across it. `method` says how, `confidence` how surely (0.9: as good as a label; 0.6 and less:
    weak or flat steps, turns, pedalling made unlikely). They come in the order in which they were decided and do not
    depend on how frames are grouped.

    Parameters
    ----------
    segments : sequence of str
        What the columns of the grid are, in their order.
    rate_hz : float
        Of the grid, 50 to 200.
    """

    def __init__(self, segments: Sequence[str], rate_hz: float) -> None:
        if not 50.0 <= rate_hz <= 200.0:
            raise ValueError(f"gait at {rate_hz} frames per second; give 50 to 200")
        self._segments = tuple(segments)
        self.sides: tuple[Side, ...] = tuple(s for s in SIDES if self._row("foot", s) >= 0 or self._row("shank", s) >= 0)
        self._period_us = round(1e6 / rate_hz)
        n = len(self.sides)
        self._legs = np.zeros(n, LEG)
        self._axes, self._thighs, self._straps = np.zeros(n, AXIS), np.zeros(n, AXIS), np.zeros(n, STRAPDOWN)
        for leg, side in zip(self._legs, self.sides, strict=True):
            foot = self._row("foot", side)
            leg["source"] = FOOT if foot >= 0 else SHANK
            leg["main"] = foot if foot >= 0 else self._row("shank", side)
            leg["thigh"] = -1 if foot >= 0 else self._row("thigh", side)
            leg["state"] = WAITING if foot >= 0 else STANCE
            leg["usual"], leg["lag"] = USUAL_START, LAG_START_US
            leg["stride"], leg["usual_shock"], leg["behind"] = STRIDE_START_US, USUAL_SHOCK_START, BEHIND_START_US
            for name in LEG.names or ():
                if name in NEVER_YET:
                    leg[name] = NEVER
        order = 2 * max(1, round(HALF_S * rate_hz))
        self._taps = np.array([comb(order, i) for i in range(order + 1)], np.float64) / 2.0**order
        rows = 1 << int(np.ceil(np.log2(MEMORY_S * rate_hz)))
        self._raw, self._rings = np.zeros((n, order + 1, RAW)), np.zeros((n, rows, COLUMNS))
        self._reports = np.zeros(REPORTS, REPORT)

    def _row(self, part: str, side: Side) -> int:
        segment = segment_of(part, side)
        return self._segments.index(segment) if segment in self._segments else -1

    def push(
        self, grid: GridBlock, body_events: Sequence[Event] = (), calibration: Calibration | None = None
    ) -> tuple[Event, ...]:
        """Take frames; `body_events` and `calibration`: what `Body.push` of the same frames gave and then held."""
        found: list[Event] = []
        row = 0
        for event in body_events:
            if calibration is None or event.kind not in ("calibrated", "segment_calibrated", "segment_redo"):
                continue
            stop = int(np.searchsorted(grid.t_us, event.t_emitted_us, side="right"))
            self._run(grid, row, stop, found)
            row = max(row, stop)
            if event.kind == "calibrated":
                # what was added later in the same frames is not known yet
                later = {e.segment for e in body_events if e.kind == "segment_calibrated"}
                self.use(calibration, [s for s in self._segments if s not in later])
            else:
                self.use(calibration, [event.segment])
        self._run(grid, row, len(grid), found)
        return tuple(found)

    def use(self, calibration: Calibration, segments: Sequence[str]) -> None:
        """From the next frame on the axes of these segments are those of the calibration; without one, found anew."""
        for j in range(len(self._legs)):
            leg = self._legs[j]
            for row, axis in ((int(leg["main"]), self._axes[j]), (int(leg["thigh"]), self._thighs[j])):
                if row < 0 or self._segments[row] not in segments:
                    continue
                found = calibration.of(self._segments[row])
                frame = None if found is None else found.frame
                if frame is None:
                    axis["told"] = 0
                    continue
                axis["told"], axis["known"], axis["sign"] = 1, 1, 1.0
                axis["axis"] = frame[:, 2]
                if row == leg["main"]:
                    # rates about the old axis are not looked back at
                    leg["known"] = leg["n"]
                    begin(leg)

    def _run(self, grid: GridBlock, row: int, stop: int, found: list[Event]) -> None:
        while row < stop and self.sides:
            row, k = frames.run(
                row, stop, grid.t_us, grid.gyr, grid.acc, grid.flags, self._period_us, self._taps, self._legs, self._axes,
                self._thighs, self._straps, self._raw, self._rings, self._reports,
            )  # fmt: skip
            for r in self._reports[:k]:
                found.append(
                    Event(
                        KINDS[r["kind"]], int(r["t_us"]), int(r["t_emitted_us"]), self.sides[r["leg"]],
                        round(float(r["confidence"]), 2), "" if r["kind"] == INTERRUPTED else METHODS[r["method"]],
                    )
                )  # fmt: skip

    def state(self) -> GaitState:
        """A copy of everything that changes."""
        return GaitState(
            self._legs.copy(), self._axes.copy(), self._thighs.copy(), self._straps.copy(), self._raw.copy(),
            self._rings.copy(),
        )  # fmt: skip

    def restore(self, state: GaitState) -> None:
        """Continue from what `state` of a detector of the same segments and rate returned."""
        self._legs, self._axes, self._thighs = state.legs.copy(), state.axes.copy(), state.thighs.copy()
        self._straps, self._raw, self._rings = state.straps.copy(), state.raw.copy(), state.rings.copy()


NEVER_YET: Final = frozenset(
    (
        "t_contact",
        "t_told",
        "mute",
        "last_off",
        "last_contact",
        "t_flat",
        "kept_contact",
        "other_off",
        "other_contact",
        "last_sure",
        "other_sure",
    )
)
"""Instants of a leg that have not been."""
