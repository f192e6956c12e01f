"""A recording of simulated sensors without a radio stack: for tests, and an hour of it for measuring speed.

    python tests/simulated_session.py OUT.mcap [--seconds 3600] [--codec v1|samples]
    imu process OUT.mcap --no-files --timing
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from firmware_sim.body import Body
from firmware_sim.script import make_script
from firmware_sim.sensor import SensorModel
from imu.ble.profiles.v1 import Config, DataPacket, Info
from imu.ble.profiles.v1_setup import config_text, full_scales
from imu.config import SensorSetup, Setup
from imu.conventions import CORE_SEGMENTS, G
from imu.feedback.drill import drill_text
from imu.packets import Samples
from imu.recording import Recording
from imu.recording.layout import NotificationColumns

INTERVAL_US = 15_000
START_S = 1.0
"""True time at which the script begins; the sensors are on from 0."""
T0_HOST_NS = 1_000_000_000_000
BLOCK = 20_000


def simulated(
    seconds: float = 60.0,
    seed: int = 1,
    *,
    rate_hz: float = 100.0,
    per_packet: int = 3,
    loss: float = 0.002,
    codec: str = "v1",
    drill: str = "squat",
) -> Recording:
    """Pelvis, thighs and shanks of a person who performs the script of `seed`.

    `loss` of the packets never arrive; the others do so at the next connection event but one at the latest, with TX-done
    stamps of the packet before.
    """
    script = make_script(seed, seconds - START_S - 1.0)
    body = Body.performing(script)
    models = [SensorModel(segment, body, seed, rate_hz) for segment in CORE_SEGMENTS]
    n = int(seconds * rate_hz * 0.9999)  # the slowest clock still gets there
    if codec == "samples":
        return Recording.from_samples({m.segment: _arrays(m, n, rate_hz) for m in models}, drill_text(drill))
    setup, stream = over_the_radio(models, n, seed, per_packet=per_packet, loss=loss, drill=drill)
    return Recording(setup, stream, {"origin": "simulated", "script": script.to_json()})


def over_the_radio(
    models: Sequence[SensorModel],
    n: int,
    seed: int,
    *,
    per_packet: int = 3,
    loss: float = 0.002,
    drill: str = "",
    start_s: float = START_S,
) -> tuple[Setup, NotificationColumns]:
    """What n samples of every sensor are as notifications of protocol v1: lost, late and jittery as on a radio."""
    rate_hz = models[0].rate_hz
    config = Config(1, round(rate_hz * 1000), 16, 2000, per_packet)
    sensors, sensor, arrival, payloads = [], [], [], []
    acc_range, gyr_range = full_scales(config)
    for j, model in enumerate(models):
        info = bytes(Info(0xA0 + j, 1, (config.odr_mhz,), (config.acc_g,), (config.gyr_dps,)))
        text = config_text(info, bytes(config))
        sensors.append(SensorSetup(f"{0xA0 + j:04X}", model.segment, rate_hz, "v1", acc_range, gyr_range, text))
        for data, t_ns in _packets(model, n, per_packet, loss, np.random.default_rng((seed, j)), config.cfg_id, start_s):
            sensor.append(j)
            arrival.append(t_ns)
            payloads.append(data)
    order = np.argsort(arrival, kind="stable").tolist()
    stream = NotificationColumns.join([sensor[i] for i in order], [arrival[i] for i in order], [payloads[i] for i in order])
    setup = Setup(tuple(sensors), t0_host_ns=T0_HOST_NS, drill_toml=drill_text(drill) if drill else "")
    return setup, stream


def _packets(
    model: SensorModel, n: int, per_packet: int, loss: float, rng: np.random.Generator, cfg_id: int, start_s: float
) -> list[tuple[bytes, int]]:
    """(bytes, arrival) of one sensor."""
    out: list[tuple[bytes, int]] = []
    phase = rng.uniform(0, INTERVAL_US)
    sent: tuple[int, int] | None = None
    for begin in range(0, n - per_packet + 1, BLOCK - BLOCK % per_packet):
        size = min(BLOCK - BLOCK % per_packet, (n - begin) // per_packet * per_packet)
        block = model.samples(begin, size, start_s)
        last = np.arange(begin, begin + size, per_packet) + per_packet - 1
        true_us = model.clock.true_time(last / model.rate_hz) * 1e6
        late = rng.random(len(last)) < 0.1
        event_us = (np.ceil((true_us - phase) / INTERVAL_US) + late) * INTERVAL_US + phase
        lost = rng.random(len(last)) < loss
        extra = 300 + rng.exponential(100, len(last))
        for k in range(len(last)):
            first, seq = begin + k * per_packet, (begin // per_packet + k) & 0xFFFF
            rows = slice(k * per_packet, (k + 1) * per_packet)
            t_us = model.device_us_of(first)
            packet = DataPacket(
                seq, first, t_us, cfg_id, block.acc[rows], block.gyr[rows], bool(block.clipped[rows].any()), first == 0,
                tx_back=(seq - sent[0]) & 0xFFFF if sent else 0, tx_done_us=sent[1] - t_us if sent else 0,
            )  # fmt: skip
            if not lost[k]:
                out.append((bytes(packet), T0_HOST_NS + int((event_us[k] + extra[k]) * 1000)))
            sent = (seq, model.device_us(event_us[k] * 1e-6))
    return out


def _arrays(model: SensorModel, n: int, rate_hz: float) -> Samples:
    blocks = [model.samples(k, min(BLOCK, n - k), START_S) for k in range(0, n, BLOCK)]
    acc = np.concatenate([b.acc for b in blocks]).astype(np.float64) * (16 * G / 32768)
    gyr = np.concatenate([b.gyr for b in blocks]).astype(np.float64) * (math.radians(2000) / 32768)
    return Samples(np.arange(n, dtype=np.int64) * round(1e6 / rate_hz), gyr, acc)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out", type=Path)
    p.add_argument("--seconds", type=float, default=3600.0)
    p.add_argument("--codec", choices=("v1", "samples"), default="v1")
    p.add_argument("--per-packet", type=int, default=3)
    a = p.parse_args()
    began = time.perf_counter()
    recording = simulated(a.seconds, codec=a.codec, per_packet=a.per_packet)
    path = recording.save(a.out)
    size = path.stat().st_size / 1e6
    print(f"{path}: {len(recording.stream)} packets, {size:.1f} MB, {time.perf_counter() - began:.1f} s")  # noqa: T201


if __name__ == "__main__":
    main()
