"""Notifications of a sensor of protocol v1 as its firmware would send them, and what decoders make of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from imu.ble.profiles import make_decoder, v1
from imu.ble.profiles.v1_decoder import V1Decoder
from imu.ble.profiles.v1_setup import config_text
from imu.config import SensorSetup
from imu.errors import ProtocolError
from imu.packets import ClockMark, Packet

CONFIG = v1.Config(cfg_id=3, odr_mhz=104_000, acc_g=16, gyr_dps=2000)
INFO = v1.Info(serial=0xA1, boot_id=7, odr_mhz=(104_000, 52_000), acc_ranges_g=(4, 16), gyr_ranges_dps=(500, 2000))
SENSOR = SensorSetup("00A1", "thigh_left", 104.0, "v1", config=config_text(bytes(INFO), bytes(CONFIG)))
PERIOD_NS = 28_846_154


@dataclass
class Sent:
    """One notification on its way."""

    packet: v1.DataPacket
    t_host_ns: int

    def change(self, **changes: object) -> Sent:
        """The same arrival, another packet."""
        return Sent(replace(self.packet, **changes), self.t_host_ns)  # pyright: ignore[reportArgumentType]


def device_us(index: int) -> int:
    """Nominal device time of a sample, rounded as the host rounds."""
    return (index * 1_000_000_000 + 52_000) // 104_000


def row_us(first: int, count: int, n: int = 3) -> list[int]:
    """Time of `count` samples from `first` on, in packets of n: each packet is anchored at its own time."""
    return [device_us(first + k // n * n) + device_us(k % n) for k in range(count)]


def stream(count: int, first: int = 0, seed: int = 0, n: int = 3, stamps: bool = True, jitter_us: int = 0) -> list[Sent]:
    """Consecutive packets of n samples from sample index `first`."""
    rng = np.random.default_rng(seed)
    out = []
    for k in range(count):
        index = first + k * n
        stamped = stamps and k > 1
        packet = v1.DataPacket(
            pkt_seq=first // n + k,
            sample_index=index,
            t_us=device_us(index) + (int(rng.integers(-jitter_us, jitter_us + 1)) if jitter_us else 0),
            cfg_id=CONFIG.cfg_id,
            acc=rng.integers(-20_000, 20_000, (n, 3)).astype(np.int16),
            gyr=rng.integers(-20_000, 20_000, (n, 3)).astype(np.int16),
            restarted=index == 0,
            tx_back=2 if stamped else 0,
            tx_done_us=-64 * int(rng.integers(100, 500)) if stamped else 0,
        )
        out.append(Sent(packet, 10**9 + (index + n) * PERIOD_NS // 3 + int(rng.integers(0, 15_000_000))))
    return out


def decoder() -> V1Decoder:
    made = make_decoder(SENSOR)
    assert isinstance(made, V1Decoder)
    return made


def decode(sent: list[Sent], by: V1Decoder | None = None) -> list[Packet]:
    """One by one."""
    by = decoder() if by is None else by
    found = [by.decode(bytes(s.packet), s.t_host_ns) for s in sent]
    return [p for p in found if p is not None]


def decode_bytes(payloads: list[bytes], arrivals: list[int]) -> list[Packet]:
    """One by one, leaving out what is refused, as the engine does."""
    by, out = decoder(), []
    for data, t in zip(payloads, arrivals, strict=True):
        try:
            packet = by.decode(data, t)
        except ProtocolError:
            continue
        if packet is not None:
            out.append(packet)
    return out


def marks_of(packets: list[Packet]) -> list[ClockMark]:
    """Of all packets, counted from their first row."""
    out: list[ClockMark] = []
    rows = 0
    for p in packets:
        out += [replace(m, position=m.position + rows) for m in p.marks]
        rows += len(p)
    return out


def rows_of(packets: list[Packet]) -> dict[str, np.ndarray]:
    """All rows under each other, with their epoch."""
    names = ("t_us", "lost", "gyr", "acc", "clipped", "arrival_ns")
    out = {name: np.concatenate([getattr(p, name) for p in packets]) for name in names}
    out["epoch"] = np.concatenate([np.full(len(p), p.epoch) for p in packets])
    return out


def assert_equal(a: list[Packet], b: list[Packet]) -> None:
    """Bit-equal rows, epochs and marks, however they are grouped."""
    x, y = rows_of(a), rows_of(b)
    for name in x:
        assert x[name].dtype == y[name].dtype, name
        np.testing.assert_array_equal(x[name], y[name], err_msg=name)
    assert marks_of(a) == marks_of(b)
