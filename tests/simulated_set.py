"""A simulated set as arrays in memory, and how its result is compared with the script."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from firmware_sim.body import Body
from firmware_sim.script import Script, make_script
from firmware_sim.sensor import SensorErrors, SensorModel
from firmware_sim.truth import truth
from imu import Recording, Samples
from imu.conventions import CORE_SEGMENTS, G, angle_label
from imu.result import Result

DEG = np.pi / 180
ONE_CLOCK = replace(SensorErrors(), perfect_clock=True)
"""Every error but that of the clocks: arrays in memory share one clock."""


@dataclass(frozen=True, slots=True)
class SimulatedSet:
    body: Body
    recording: Recording

    @property
    def script(self) -> Script:
        return self.body.script


def perform(
    seed: int, seconds: float = 60.0, *, errors: SensorErrors = ONE_CLOCK, body: Body | None = None
) -> SimulatedSet:
    """All five sensors from the first to the last second of the script, sampled at 104 Hz."""
    body = body or Body.performing(make_script(seed, seconds))
    samples = {}
    for segment in CORE_SEGMENTS:
        model = SensorModel(segment, body, seed, errors=errors)
        n = int(seconds * model.rate_hz)
        block = model.samples(0, n, 0.0)
        t_us = np.array([model.device_us_of(i) for i in range(n)], np.int64)
        samples[segment] = Samples(t_us, block.gyr * (2000 * DEG / 32768), block.acc * (16 * G / 32768), block.clipped)
    return SimulatedSet(body, Recording.from_samples(samples))


def differences(script: Script, result: Result) -> list[str]:
    """What was counted or cued otherwise than scripted, in words."""
    found = []
    if len(result.repetitions) != len(script.repetitions):
        found.append(f"{len(result.repetitions)} repetitions counted, {len(script.repetitions)} performed")
    for r in script.repetitions:
        wanted = [(c.rule, c.side) for c in r.expected_cues]
        given = [(c.rule, c.side) for c in result.cues if c.repetition == r.number]
        if wanted != given:
            found.append(f"repetition {r.number} ({r.kind} {r.side or ''} {r.phase or ''}): wanted {wanted}, cued {given}")
    return found


def errors_deg(simulated: SimulatedSet, result: Result, name: str, side) -> np.ndarray:
    """Result minus truth within the set, degrees."""
    t = result.t_us * 1e-6
    within = t > simulated.script.repetitions[0].start_s - 1.0
    wanted = truth(simulated.body, t[within])[angle_label(name, side)]
    return (result.angle(name, side)[within] - wanted) / DEG
