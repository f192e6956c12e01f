"""A sensor that turns in a known way, and its samples as packets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from imu.config import SensorSetup
from imu.conventions import G
from imu.fusion.channel import PoseBlock, SensorChannel
from imu.fusion.quaternion import conj_array, mul_array, rotate_array
from imu.packets import ClockMark, Packet
from imu.recording.regroup import regroup

SETUP = SensorSetup("S1", "thigh_left", 100.0, "samples")
ARRIVAL_US = 25_000
"""From the newest sample of a packet to its arrival."""


def turn(axis: int, angle: np.ndarray) -> np.ndarray:
    q = np.zeros((len(angle), 4))
    q[:, 0], q[:, 1 + axis] = np.cos(angle / 2), np.sin(angle / 2)
    return q


def swinging(
    n: int, rate_hz: float = 100.0, *, size: float = 1.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """gyr, acc and the true q_earth_sensor of a limb that swings about all axes, with a little noise; no translation.

    The rate of row k is the one that turned row k - 1 into row k, so that integrating it is exact.
    """
    rng = np.random.default_rng(seed)
    t = np.arange(n + 1) / rate_hz
    angles = [size * a * np.sin(2 * np.pi * f * t + p) for a, f, p in ((0.9, 0.7, 0.0), (0.5, 1.1, 1.0), (0.6, 0.4, 2.0))]
    q = mul_array(turn(2, angles[2]), mul_array(turn(0, angles[0]), turn(1, angles[1])))
    d = mul_array(conj_array(q[:-1]), q[1:])
    half = np.arctan2(np.linalg.norm(d[:, 1:], axis=1), d[:, 0])
    length = np.linalg.norm(d[:, 1:], axis=1)
    gyr = d[:, 1:] * (2 * half / np.where(length > 0, length, 1) * rate_hz)[:, None]
    acc = rotate_array(conj_array(q[1:]), np.array([0.0, 0.0, G]))
    return gyr + rng.normal(0, 2e-3, (n, 3)), acc + rng.normal(0, 0.02, (n, 3)), q[1:]


def inclination_error(q: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Angle between the two upward directions, rad."""
    e = mul_array(q, conj_array(true))
    return 2 * np.arccos(np.clip(np.hypot(e[:, 0], e[:, 3]), 0, 1))


def packet_of(
    gyr: np.ndarray,
    acc: np.ndarray,
    *,
    rate_hz: float = 100.0,
    keep: np.ndarray | None = None,
    start_us: int = 0,
    epoch: int = 0,
    clipped: np.ndarray | None = None,
    sensor: str = "S1",
) -> Packet:
    """All rows that `keep` marks, in one packet; the others are lost."""
    n = len(gyr)
    rows = np.arange(n) if keep is None else np.flatnonzero(keep)
    t_us = start_us + np.rint(rows * 1e6 / rate_hz).astype(np.int64)
    lost = np.diff(rows, prepend=rows[:1] - 1).astype(np.int32) - 1
    bits = np.zeros(n, np.uint8) if clipped is None else clipped
    arrival = int(t_us[-1] + ARRIVAL_US) * 1000 if n else 0
    return Packet(sensor, arrival, epoch, t_us, lost, gyr[rows].copy(), acc[rows].copy(), bits[rows])


def with_marks(packet: Packet, per: int = 4, *, device_starts_at_us: int = 0, seed: int = 0) -> Packet:
    """The same rows from a device with its own zero of time; every `per` rows their arrival is known, with jitter."""
    rng = np.random.default_rng(seed)
    marks = []
    for row in range(0, len(packet), per):
        newest = int(packet.t_us[min(row + per, len(packet)) - 1])
        late = ARRIVAL_US + int(rng.exponential(4000))
        marks.append(ClockMark(row, newest + device_starts_at_us, (newest + late) * 1000))
    return replace(packet, t_us=packet.t_us + device_starts_at_us, marks=tuple(marks))


def delivered(packet: Packet, size: int, device_starts_at_us: int = 0) -> list[Packet]:
    """Packets of `size` rows, each sample arriving soon after it was taken."""
    arrival_ns = (packet.t_us - device_starts_at_us + ARRIVAL_US) * 1000
    pieces = regroup([replace(packet, arrival_ns=arrival_ns)], size)
    return [replace(p, t_host_ns=int(p.arrival_ns[-1])) for p in pieces]


def stalled(packet: Packet, per: int, seed: int, device_starts_at_us: int = 0) -> Packet:
    """The same rows, `per` of them at a time, through a radio that pauses now and then for 0.1 to 0.7 s: nothing is lost,
    what waited comes at once."""
    rng = np.random.default_rng(seed)
    t_us = packet.t_us - device_starts_at_us
    last = np.minimum(np.arange(len(t_us)) // per * per + per, len(t_us)) - 1
    arrival_us = t_us[last] + ARRIVAL_US
    for start in rng.uniform(t_us[0], t_us[-1], 6):
        held = (arrival_us >= start) & (arrival_us < (end := start + rng.uniform(1e5, 7e5)))
        arrival_us[held] = int(end)
    return replace(packet, arrival_ns=np.maximum.accumulate(arrival_us) * 1000)


def joined(blocks: Sequence[PoseBlock]) -> PoseBlock:
    names = ("t_us", "q", "gyr", "acc", "flags")
    return PoseBlock(*(np.concatenate([getattr(b, name) for b in blocks]) for name in names))


def fused(*packets: Packet, setup: SensorSetup = SETUP) -> PoseBlock:
    channel = SensorChannel(setup, 0)
    return joined([channel.push(p) for p in packets])


def assert_equal_blocks(a: PoseBlock, b: PoseBlock) -> None:
    for name in ("t_us", "q", "gyr", "acc", "flags"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
