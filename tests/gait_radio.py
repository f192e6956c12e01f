"""People who walk at a given speed, as the shipped Bluetooth client receives them: retries, bursts, clocks of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from ble_bench import Room
from gait_walks import Walked, grid_of, speed_of, walking_plan
from simulated_activity import USUAL, lost_packets
from virtual_time import arrive_in_its_time, run

from firmware_sim.activities import ActivityBody
from firmware_sim.activities.gait import Gait
from firmware_sim.activities.habits import Habits
from firmware_sim.air import RadioConditions
from firmware_sim.hub import RATE_HZ
from firmware_sim.person import Person
from firmware_sim.sensor import SensorModel
from imu import Recording
from imu.ble import SensorNetwork
from imu.config import Setup
from imu.conventions import SEGMENTS, SLOT_OF_SEGMENT, Segment
from imu.recording.layout import NotificationColumns

WALK_RATIO = 0.0063
"""m of step length per step a minute, of adults at any pace of their own (Sekiya 1998)."""
KNEE_AT = ((0.5, 0.78), (0.8, 0.9), (1.2, 1.0), (1.8, 1.05))
"""(m/s, share of the usual knee flexion): its peak falls as walking slows (Schwartz 2008)."""
HIP_SCALES = (0.65, 1.2)
"""Least and most of the usual hip angles. Beyond, simulated legs that are stretched behind jerk before they leave the
floor; who walks faster takes quicker steps."""
AIR = RadioConditions.of(0.02)


def at_speed(seed: int, speed: float) -> Habits:
    """The person of the seed at a speed straight on, m/s: steps grow and quicken alike, as far as simulated legs can."""
    person, own = Person.drawn(seed), Habits.drawn(seed)
    x, y = zip(*KNEE_AT, strict=True)
    habits = replace(own, knee_scale=own.knee_scale * float(np.interp(speed, x, y)))
    wanted = float(np.sqrt(60.0 * speed * WALK_RATIO))

    def step(scale: float) -> float:
        return 0.5 * Gait.of(person, replace(habits, hip_scale=scale)).stride

    low, high = HIP_SCALES
    for _ in range(20):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if step(middle) < wanted else (low, middle)
    scale = 0.5 * (low + high)
    return replace(habits, hip_scale=scale, cadence=60.0 * speed / step(scale))


def walk_by_radio(
    seed: int, speed: float, *, seconds: float = 20.0, segments: Sequence[Segment] = SEGMENTS[1:7], loss: float = 0.02
) -> Walked:
    """A walk over the radio, in the time of the body; `loss`: share of notifications that never arrive, in bursts."""
    plan = walking_plan(seconds)
    body = ActivityBody.performing(seed, plan, at_speed(seed, speed))
    recording = run(_receive(body, seed, tuple(SLOT_OF_SEGMENT[s] for s in segments), loss))
    worn = tuple(s.segment for s in recording.setup.sensors)
    return Walked(body, recording, grid_of(recording), worn, speed_of(body))


async def _receive(body: ActivityBody, seed: int, slots: tuple[int, ...], loss: float) -> Recording:
    loop = asyncio.get_running_loop()
    errors = replace(USUAL, perfect_clock=False)

    def source(slot: int) -> Callable[[float], SensorModel]:
        segment = SEGMENTS[slot]
        return lambda on_s: SensorModel(segment, body, seed, RATE_HZ, on_s=on_s, errors=errors)

    got: list[tuple[str, bytes, int]] = []
    with pytest.MonkeyPatch.context() as patch:
        arrive_in_its_time(patch, loop)
        room = await Room.of(slots, AIR, seed, source)
        zero_s = loop.time()
        network = SensorNetwork(room.adapter, search_s=5.0, expected=len(slots))
        sensors = await network.open()
        await network.start(lambda sensor, data, t_host_ns: got.append((sensor, data, t_host_ns)), lambda report: None)
        while room.script.start_s is None:
            await asyncio.sleep(0.1)
        await asyncio.sleep(body.seconds + 1.0)
        await network.close()
        await room.close()
    start_ns = round((zero_s + room.script.start_s) * 1e9)
    number = {s.sensor: i for i, s in enumerate(sensors)}
    kept = _without_lost(got, seed, loss)
    stream = NotificationColumns.join([number[k[0]] for k in kept], [k[2] for k in kept], [k[1] for k in kept])
    return Recording(Setup(tuple(sensors), start_ns), stream)


def _without_lost(got: list[tuple[str, bytes, int]], seed: int, loss: float) -> list[tuple[str, bytes, int]]:
    """What is left when bursts of notifications of each sensor are lost."""
    lost = {s: lost_packets(np.random.default_rng((seed, int(s, 16))), 3 * len(got), loss) for s in {g[0] for g in got}}
    count = dict.fromkeys(lost, 0)
    kept = []
    for one in got:
        if not lost[one[0]][3 * count[one[0]]]:
            kept.append(one)
        count[one[0]] += 1
    return kept
