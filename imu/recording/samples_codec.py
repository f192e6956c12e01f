"""Imported arrays as notification bytes, so that vendor data take the way of live data.

One notification, little-endian, no padding: u8 version (1), u8 bytes per value (4 or 8), u16 n, then
i64 t_us[n], i32 lost[n], u8 clipped[n], f32|f64 gyr[n][3] (rad/s), f32|f64 acc[n][3] (m/s²).
Values that came from float32 are stored as float32, all others as float64: nothing is rounded.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

import numpy as np

from imu.config import SensorSetup, Setup
from imu.conventions import SEGMENTS
from imu.errors import ConfigError, ProtocolError, RecordingError
from imu.fusion.rates import shown_period_us, unbroken
from imu.packets import Floats, Ints, Packet, Samples
from imu.recording.layout import NotificationColumns

PROFILE = "samples"
VERSION = 1
PACKET_S = 0.04
"""Samples of this time share a notification: replay then moves as smoothly as a live session."""

_HEAD = struct.Struct("<BBH")


class SamplesDecoder:
    """Decodes the bytes of one imported sensor. Its clock is the session's: no marks, one epoch."""

    def __init__(self, sensor: SensorSetup) -> None:
        self._sensor = sensor.sensor
        self._newest: int | None = None

    def decode(self, data: bytes, t_host_ns: int) -> Packet | None:
        """One notification; `ProtocolError` if it does not follow the layout or goes back in time."""
        packets = self.decode_many([data], np.array([t_host_ns], np.int64))
        return packets[0] if packets else None

    def decode_many(self, payloads: Sequence[bytes], t_host_ns: Ints) -> list[Packet]:
        """All rows as one packet that arrives with the last notification."""
        runs = [_rows(list(run), self._sensor) for _, run in groupby(payloads, key=len)]
        if not runs:
            return []
        t_us, lost, clipped, gyr, acc = (np.concatenate(column) for column in zip(*runs, strict=True))
        if len(t_us) == 0:
            return []
        if np.any(np.diff(t_us) <= 0) or (self._newest is not None and t_us[0] <= self._newest):
            raise ProtocolError(f"sensor {self._sensor}: samples go back in time; the recording was put together wrongly")
        self._newest = int(t_us[-1])
        # nothing is known of a radio: every sample came at once
        return [Packet(self._sensor, int(t_host_ns[-1]), 0, t_us, lost, gyr, acc, clipped, arrival_ns=t_us * 1000)]


LONGEST_PAUSE_US: Final = 3_600_000_000
"""A longer one is a wrong time stamp, or another session: every frame in between would be made."""


def _layout(n: int, width: int) -> np.dtype[np.void]:
    """One notification of n rows."""
    value = f"<f{width}"
    return np.dtype(
        [
            ("version", "u1"),
            ("width", "u1"),
            ("n", "<u2"),
            ("t_us", "<i8", (n,)),
            ("lost", "<i4", (n,)),
            ("clipped", "u1", (n,)),
            ("gyr", value, (n, 3)),
            ("acc", value, (n, 3)),
        ]
    )


def _rows(payloads: list[bytes], sensor: str) -> tuple[np.ndarray, ...]:
    """t_us, lost, clipped, gyr, acc of notifications of one length, in the types of `Packet`."""
    first = payloads[0]
    version, width, n = _HEAD.unpack_from(first) if len(first) >= _HEAD.size else (0, 0, 0)
    layout = _layout(n, width) if version == VERSION and width in (4, 8) else None
    if layout is None or len(first) != layout.itemsize:
        raise ProtocolError(f"sensor {sensor}: {len(first)} bytes are not samples of layout {VERSION}; the file is damaged")
    a = np.frombuffer(b"".join(payloads), layout)
    if np.any(a["version"] != version) or np.any(a["width"] != width) or np.any(a["n"] != n):
        raise ProtocolError(f"sensor {sensor}: notifications of one length differ in layout; the file is damaged")
    return (
        a["t_us"].astype(np.int64).ravel(),
        a["lost"].astype(np.int32).ravel(),
        a["clipped"].ravel(),
        a["gyr"].astype(np.float64).reshape(-1, 3),
        a["acc"].astype(np.float64).reshape(-1, 3),
    )


def encode_samples(
    samples: Mapping[str, Samples], drill_toml: str, names: Mapping[str, str]
) -> tuple[Setup, NotificationColumns, tuple[str, ...]]:
    """Setup, notifications in order of time, and notes for people.

    Parameters
    ----------
    samples : mapping segment -> Samples
        All on one clock, which becomes session time. Rate and lost samples come from the steps (`period_and_lost`);
        a row with a value that is not a number counts as lost.
    names : mapping segment -> serial number
        The segment stands in where none is given.
    """
    setups: list[SensorSetup] = []
    notes: list[str] = []
    numbers: list[int] = []
    times: list[int] = []
    payloads: list[bytes] = []
    if not samples:
        raise RecordingError(f"no samples; give at least one segment of {', '.join(SEGMENTS)}")
    for number, (segment, given) in enumerate(samples.items()):
        known = np.isfinite(given.gyr).all(axis=1) & np.isfinite(given.acc).all(axis=1)
        if not known.all():
            notes.append(f"{segment}: {np.count_nonzero(~known)} rows that are not all numbers count as missing")
        t_us, gyr, acc, clipped = given.t_us[known], given.gyr[known], given.acc[known], given.clipped[known]
        if len(t_us) < 2:
            raise RecordingError(f"{segment}: {len(t_us)} usable samples; at least 2 are needed to know the rate")
        steps = np.diff(t_us)
        if int(steps.max()) > LONGEST_PAUSE_US:
            row = int(steps.argmax()) + 1
            raise RecordingError(
                f"{segment}: {steps.max() / 6e7:.4g} minutes pass before row {row} of the usable samples; "
                f"a session has no pause of more than {LONGEST_PAUSE_US // 60_000_000}, make it two recordings"
            )
        period_us, lost = period_and_lost(t_us)
        if lost.any():
            notes.append(f"{segment}: {int(lost.sum())} of {len(t_us) + int(lost.sum())} samples are missing")
        setups.append(SensorSetup(names.get(segment, segment), segment, 1e6 / period_us, PROFILE))
        width = 4 if _fits_float32(gyr) and _fits_float32(acc) else 8
        rows = max(1, round(PACKET_S * 1e6 / period_us))
        whole = len(t_us) - len(t_us) % rows
        for part, n in ((slice(0, whole), rows), (slice(whole, None), len(t_us) - whole)):
            if n and len(t_us[part]):
                payloads += _encode(t_us[part], lost[part], clipped[part], gyr[part], acc[part], width, n)
                times += (t_us[part][n - 1 :: n] * 1000).tolist()
        numbers += [number] * (len(times) - len(numbers))
    try:
        setup = Setup(tuple(setups), drill_toml=drill_toml)
    except ConfigError as e:
        raise RecordingError(str(e)) from e
    order = np.lexsort((numbers, times))
    stream = NotificationColumns.join([numbers[i] for i in order], [times[i] for i in order], [payloads[i] for i in order])
    return setup, stream, tuple(notes)


def period_and_lost(t_us: Ints) -> tuple[float, np.ndarray]:
    """Sample period, µs, and the number of samples missing before each row.

    A step longer than 1.5 median steps is a hole. The period is the mean of the others: the median of steps that were
    rounded to whole ms (9, 10, 10 for 104 Hz) would be off by up to 5 %.
    """
    step = np.diff(t_us)
    whole, period_us = unbroken(step), shown_period_us(step)
    lost = np.zeros(len(t_us), np.int32)
    lost[1:] = np.where(whole, 0, np.clip(np.rint(step / period_us) - 1, 0, 2**31 - 1))
    return period_us, lost


def _fits_float32(values: Floats) -> bool:
    with np.errstate(over="ignore"):
        return bool(np.array_equal(values.astype(np.float32).astype(np.float64), values))


def _encode(t_us: Ints, lost: np.ndarray, clipped: np.ndarray, gyr: Floats, acc: Floats, width: int, n: int) -> list[bytes]:
    """Notifications of n rows each; the number of rows is a multiple of n."""
    a = np.zeros(len(t_us) // n, _layout(n, width))
    a["version"], a["width"], a["n"] = VERSION, width, n
    a["t_us"], a["lost"], a["clipped"] = t_us.reshape(-1, n), lost.reshape(-1, n), clipped.reshape(-1, n)
    a["gyr"], a["acc"] = gyr.reshape(-1, n, 3), acc.reshape(-1, n, 3)
    data, size = a.tobytes(), a.dtype.itemsize
    return [data[i : i + size] for i in range(0, len(data), size)]
