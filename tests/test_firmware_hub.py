"""A whole simulated performance: real sensor models, scripted faults, one radio; in virtual time."""

from __future__ import annotations

import asyncio

import numpy as np
from firmware_bench import CENTRAL, Client, ended, switched_on
from virtual_time import run

from firmware_sim.faults import parse_fault
from firmware_sim.hub import Hub, HubSettings
from firmware_sim.script import make_script
from imu.conventions import G, Segment

SECONDS = 25.0


async def performance(segments: tuple[Segment, ...], *faults: str) -> tuple[Hub, dict[str, Client]]:
    """Sensors switched on and streaming; the script begins in half a second."""
    hub = Hub(HubSettings(make_script(2, SECONDS), segments, tuple(parse_fault(text) for text in faults)))
    for sensor in hub.sensors.values():
        await sensor.power_on()
    central = await switched_on(hub.link, "central", CENTRAL)
    clients = {segment: await Client.of(central, sensor) for segment, sensor in hub.sensors.items()}
    for client in clients.values():
        await client.start()
    return hub, clients


def test_the_person_stands_then_moves_and_the_end_is_told() -> None:
    async def main() -> None:
        hub, clients = await performance(("thigh_left", "pelvis"))
        begin_s = asyncio.get_running_loop().time()
        await asyncio.wait_for(hub.finished.wait(), SECONDS + 5.0)
        assert 0.0 <= asyncio.get_running_loop().time() - begin_s - SECONDS < 0.6
        for client in clients.values():
            gyr_dps = np.concatenate([p.gyr for p in client.packets]) * (2000.0 / 32768)
            acc = np.concatenate([p.acc for p in client.packets]) * (16.0 * G / 32768)
            stand = slice(0, 4 * 104)
            assert np.abs(gyr_dps[stand]).max() < 4.0  # a bias of 0.5, noise and sway
            assert abs(np.linalg.norm(acc[stand], axis=1).mean() - G) < 0.2
            assert np.abs(gyr_dps).max() > 15.0

    run(main())


def test_faults_happen_to_whom_and_when_they_are_scripted() -> None:
    async def main() -> None:
        hub, clients = await performance(
            ("pelvis", "thigh_left", "thigh_right", "shank_left"),
            "t=2 away pelvis 1",
            "t=2 away thigh_left 6",
            "t=3 power thigh_right 2",
            "t=4 drop shank_left",
        )
        boots = {segment: sensor.boot_id for segment, sensor in hub.sensors.items()}
        ends: dict[str, tuple[int, float]] = {}

        async def watch(segment: str) -> None:
            reason = await ended(clients[segment].connection)
            assert hub.script_clock.start_s is not None
            ends[segment] = (reason, asyncio.get_running_loop().time() - hub.zero_s - hub.script_clock.start_s)

        watching = [asyncio.create_task(watch(segment)) for segment in clients]
        await asyncio.wait(watching, timeout=15.0)
        for task in watching:
            task.cancel()
        assert sorted(ends) == ["shank_left", "thigh_left", "thigh_right"]  # one second away is only a fade
        assert [ends[s][0] for s in sorted(ends)] == [0x13, 0x08, 0x08]
        times = [ends[s][1] for s in sorted(ends)]
        assert np.abs(np.array(times) - [4.0, 6.0, 7.0]).max() < 0.1  # two of them 4 s after they fell silent
        changed = {segment for segment, sensor in hub.sensors.items() if sensor.boot_id != boots[segment]}
        assert changed == {"thigh_right"}
        assert all(sensor.is_on for sensor in hub.sensors.values())
        index = np.array([p.sample_index for p in clients["pelvis"].packets])
        assert np.all(np.diff(index) >= 3)
        assert np.count_nonzero(np.diff(index) > 3) == 1

    run(main())
