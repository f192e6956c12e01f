"""Simulated activities as arrays in memory, with every error of sensor, strap and radio, and how results are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from firmware_sim.activities import ActivityBody, Plan, set_up_plan
from firmware_sim.sensor import SensorErrors, SensorModel
from firmware_sim.soft_tissue import Slip
from firmware_sim.truth import truth
from imu import Recording, Samples
from imu.conventions import CORE_SEGMENTS, G, Segment, Side, angle_label
from imu.result import Result

DEG = np.pi / 180
RATE_HZ = 100.0
BURST = 5
"""Mean number of samples that are lost together."""
PACKET = 3
"""Samples that a packet carries: these are lost or come together."""
LOSS_STREAM = 113

IDEAL = SensorErrors.none()
"""Sensors in the axes of the segments, with nothing but quantisation."""
USUAL = replace(SensorErrors(), perfect_clock=True, wobble_deg=0.0, tissue=1.0, mounting_deg=5.0, heading_drift_dpm=2.0)
"""A consumer MEMS on a person: any mounting, flesh that swings, 2 deg/min of heading drift."""


@dataclass(frozen=True, slots=True)
class SimulatedActivity:
    body: ActivityBody
    recording: Recording
    plan: Plan

    def truth(self, t_us: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """Every true angle, rad, by label; session time is the time of the plan."""
        return truth(self.body, np.asarray(t_us * 1e-6, np.float64))

    def during(self, t_us: NDArray[np.int64], *kinds: type) -> NDArray[np.bool_]:
        """Which instants belong to pieces of these kinds."""
        t = t_us * 1e-6
        inside = np.zeros(len(t), bool)
        for done in self.body.performed:
            if isinstance(done.piece, kinds):
                inside |= (t >= done.start_s) & (t < done.end_s)
        return inside


def perform_activity(
    seed: int,
    plan: Plan | None = None,
    errors: SensorErrors = USUAL,
    *,
    loss: float = 0.0,
    clock_ms: float = 0.0,
    slips: Mapping[str, Slip] | None = None,
    swapped: Sequence[tuple[str, str]] = (),
    segments: Sequence[Segment] = CORE_SEGMENTS,
    rate_hz: float = RATE_HZ,
    drill: str = "",
    body: ActivityBody | None = None,
) -> SimulatedActivity:
    """Sensors on the person of `seed` who performs `plan` (default: the set-up).

    loss : share of the samples that never arrive, in bursts; missing rows.
    clock_ms : standard deviation of how far the stamps of a sensor are off, constant over the recording.
    slips : segment -> Slip, of the sensor that is on that segment.
    swapped : pairs of segments whose sensors wear each other's label.
    drill : name of a drill whose text goes into the recording.
    """
    from imu.feedback.drill import drill_text

    plan = set_up_plan() if plan is None else plan
    body = body or ActivityBody.performing(seed, plan)
    label = {s: s for s in segments}
    for one, other in swapped:
        label[one], label[other] = label[other], label[one]  # pyright: ignore[reportArgumentType]
    samples = {}
    for number, segment in enumerate(segments):
        model = SensorModel(segment, body, seed, rate_hz, errors=errors, slip=(slips or {}).get(segment))
        n = int(body.seconds * rate_hz)
        block = model.samples(0, n, 0.0)
        rng = np.random.default_rng((LOSS_STREAM, seed, number))
        off_us = round(1000.0 * clock_ms * float(rng.normal())) if clock_ms else 0
        t_us = np.round(np.arange(n) * (1e6 / rate_hz)).astype(np.int64) + off_us
        there = ~lost_packets(rng, n, loss) & (t_us >= 0)
        samples[label[segment]] = Samples(
            t_us[there],
            block.gyr[there].astype(np.float64) * (2000 * DEG / 32768),
            block.acc[there].astype(np.float64) * (16 * G / 32768),
            block.clipped[there],
        )
    ordered = {s: samples[s] for s in segments}
    return SimulatedActivity(body, Recording.from_samples(ordered, drill_text(drill) if drill else ""), plan)


def errors_deg(
    simulated: SimulatedActivity, result: Result, name: str, side: Side | None, *kinds: type
) -> NDArray[np.float64]:
    """Result minus truth, degrees, at the frames of these kinds of pieces (default: all) at which the result is known."""
    t_us = result.t_us
    inside = simulated.during(t_us, *kinds) if kinds else np.ones(len(t_us), bool)
    wanted = simulated.truth(t_us[inside])[angle_label(name, side)]
    off = (result.angle(name, side)[inside] - wanted) / DEG
    off = np.remainder(off + 180.0, 360.0) - 180.0
    return off[np.isfinite(off)]


def lost_packets(rng: np.random.Generator, n: int, share: float) -> NDArray[np.bool_]:
    """(n,) which samples are lost: packets, in bursts of geometric length."""
    lost = np.zeros(n, bool)
    if share <= 0.0:
        return lost
    packets = -(-n // PACKET)
    stay = max(1.0 - PACKET / BURST, 0.0)
    enter = share * (1.0 - stay) / (1.0 - share)
    draws = rng.random(packets)
    bad = False
    for k in range(packets):
        bad = bool(draws[k] < (stay if bad else enter))
        lost[k * PACKET : (k + 1) * PACKET] = bad
    return lost
