"""Steps of decoding DATA of protocol v1 that need nothing to be remembered."""

from __future__ import annotations

from itertools import chain, groupby
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from imu.ble.profiles.v1_data import FULL_SCALE
from imu.packets import CLIPPED_ACC, CLIPPED_GYR, Ints, Packet, joined

N = TypeVar("N", int, Ints)


def layout(n: int) -> np.dtype[np.void]:
    """One full packet of n samples."""
    head = [("form", "u1"), ("flags", "u1"), ("seq", "<u2"), ("index", "<u4"), ("t_us", "<u4")]
    return np.dtype([*head, ("tx_back", "u1"), ("cfg_id", "u1"), ("done", "<i2"), ("raw", "<i2", (n, 6))])


def signed(value: N, bits: int) -> N:
    """The number nearest to 0 that equals `value` modulo 2^bits."""
    half = 1 << (bits - 1)
    return ((value + half) & ((1 << bits) - 1)) - half


def clipped_rows(raw: NDArray[np.int16], announced: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Bits per row of m packets, raw (m, n, 6). Rows at full scale; if the sensor announces a clipped sample and none
    is at full scale (it clips before its range ends), nobody knows which: all of them."""
    full = np.abs(raw.astype(np.int32)) >= FULL_SCALE - 1
    acc, gyr = full[:, :, :3].any(axis=-1), full[:, :, 3:].any(axis=-1)
    unclear = (announced & ~(acc | gyr).any(axis=-1))[:, None]
    return (CLIPPED_ACC * (acc | unclear) + CLIPPED_GYR * (gyr | unclear)).astype(np.uint8).ravel()


def joined_runs(packets: list[Packet]) -> list[Packet]:
    """One packet per run of equal epoch; their marks count rows from the start of the run already."""
    runs = [list(run) for _, run in groupby(packets, key=lambda p: p.epoch)]
    return [
        parts[0] if len(parts) == 1 else joined(parts, chain.from_iterable(p.marks for p in parts)) for parts in runs
    ]
