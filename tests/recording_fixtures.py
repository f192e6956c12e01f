"""Small recordings made of numbers that differ everywhere, so that any mix-up shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from imu.ble.profiles.v1 import Config, Info
from imu.ble.profiles.v1_setup import config_text
from imu.config import SensorSetup, Setup
from imu.packets import Packet, Samples
from imu.recording import Recording
from imu.recording.layout import NotificationColumns
from imu.recording.mcap_writer import ContentWriter
from imu.recording.spool import Spool

CONFIG = config_text(bytes(Info(0x0A1, 1, (104_000,), (16,), (2000,))), bytes(Config(1, 104_000, 16, 2000)))
SETUP = Setup(
    (
        SensorSetup("0A1", "thigh_left", 104.0, "v1", config=CONFIG),
        SensorSetup("0B2", "shank_left", 104.0, "v1", config=CONFIG),
    ),
    t0_host_ns=5,
)

Notification = tuple[str, bytes, int]


def notifications(count: int, seed: int = 0) -> list[Notification]:
    """Every one different; 0 to 80 bytes; arrivals with jitter."""
    rng = np.random.default_rng(seed)
    t = np.cumsum(rng.integers(1, 40_000_000, count))
    return [(("0A1", "0B2")[int(rng.integers(2))], rng.bytes(int(rng.integers(81))), int(t[i])) for i in range(count)]


def columns(items: list[Notification]) -> NotificationColumns:
    number = {s.sensor: i for i, s in enumerate(SETUP.sensors)}
    return NotificationColumns.join([number[n[0]] for n in items], [n[2] for n in items], [n[1] for n in items])


def write_file(path: Path, items: list[Notification], per_chunk: int = 10, *, finish: bool = True) -> list[int]:
    """An .mcap with one batch per chunk; the position after each chunk."""
    spool = Spool(path)
    content = ContentWriter(spool, SETUP, {"origin": "made for a test"}, 1 << 20)
    ends = []
    for a in range(0, len(items), per_chunk):
        content.add_batch(columns(items[a : a + per_chunk]))
        content.flush()
        ends.append(spool.tell())
    if finish:
        content.finish()
    spool.drain()
    spool.close()
    return ends


def samples(n: int, seed: int, *, rate_hz: float = 104.0, hole: slice | None = None, float32: bool = False) -> Samples:
    """Random motion near a rate; rows in `hole` are missing."""
    rng = np.random.default_rng(seed)
    t_us = np.cumsum(rng.normal(1e6 / rate_hz, 20, n)).astype(np.int64)
    gyr, acc = rng.normal(0, 3, (n, 3)), rng.normal(0, 9, (n, 3))
    clipped = (rng.random(n) < 0.01).astype(np.uint8)
    if float32:
        gyr, acc = gyr.astype(np.float32).astype(float), acc.astype(np.float32).astype(float)
    keep = np.ones(n, bool)
    if hole is not None:
        keep[hole] = False
    return Samples(t_us[keep], gyr[keep], acc[keep], clipped[keep])


def three_sensors(seconds: float = 10.0) -> Recording:
    n = int(seconds * 104)
    return Recording.from_samples(
        {
            "pelvis": samples(n, 1),
            "thigh_left": samples(n, 2, hole=slice(200, 260)),
            "shank_left": samples(n, 3, rate_hz=60.0, float32=True),
        }
    )


def joined(packets: list[Packet], sensor: str) -> dict[str, np.ndarray]:
    """All rows of one sensor."""
    own = [p for p in packets if p.sensor == sensor]
    return {name: np.concatenate([getattr(p, name) for p in own]) for name in ("t_us", "lost", "gyr", "acc", "clipped")}


def assert_same_rows(a: list[Packet], b: list[Packet]) -> None:
    """Bit-equal rows for every sensor."""
    assert {p.sensor for p in a} == {p.sensor for p in b}
    for sensor in {p.sensor for p in a}:
        x, y = joined(a, sensor), joined(b, sensor)
        for name in x:
            assert x[name].dtype == y[name].dtype
            np.testing.assert_array_equal(x[name], y[name], err_msg=f"{sensor} {name}")
