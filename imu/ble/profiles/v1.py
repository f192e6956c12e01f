"""Reference protocol v1, both ways: what our own sensors say and what they are told. Needs no radio.

All integers are little-endian. The table of characteristics is frozen for major 1. Points the protocol text leaves open
are settled here:

Clock      `t_us` and `sample_index` count from boot and go on while nothing is streamed and over any number of
           connections; `pkt_seq` counts the packets made since boot, those that were dropped included. So a gap after a
           reconnection is loss like any other. DATA b6 marks the first packet after boot or after a step of the clock or
           a change of rate; a device keeps b6 and b7 pending until a packet that carries them is queued.
INFO       the fixed part first (23 B), then the TLVs: 1 = rates (u32 mHz each), 2 = acc ranges (u8 g each), 3 = gyr
           ranges (u16 °/s each). Features: see `Feature`.
CONFIG     SET_CONFIG takes and answers the 13 bytes of CONFIG. The host chooses `cfg_id`, so that it can restore the very
           configuration a session began with; n_samples 0 = the device chooses. Refused (state) while streaming.
START      length of the arguments: 0 = now, 2 = delay_ms u16, 8 = at t_us u64. Answers `boot_id u16`.
IDENTIFY   ms u16.  SET_SLOT  slot u8, 255 = none; 7 = trunk.  CONN_PARAM_REQ  min u16, max u16 in 1.25 ms.
GET_INFO   answers INFO if it fits the MTU, else nothing: then it is read.
DATA       tx_done is counted from this packet's t_us, rounded to nearest; what is out of range is not sent (tx_back 0).
           fmt 1 (temperature), 2 (magnetometer), 3 (quaternion) and RESEND are not part of this version.
SYNC       t_rx and t_tx are on the clock of `t_us`, not wrapped; t_tx is when the answer is handed to the radio. A device
           that has it says so with a feature bit and by the characteristic; malformed pings are not answered.
Battery    255 = unknown, in advertisements and STATUS.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from imu.ble.profiles.v1_control import NO_SLOT, Op, Request, Response, Result
from imu.ble.profiles.v1_data import MAX_SAMPLES, DataPacket, ShortPacket, samples_that_fit
from imu.ble.profiles.v1_status import UNKNOWN_BATTERY, State, StatusFlag, StatusReport, state_of
from imu.conventions import SLOT_OF_SEGMENT
from imu.errors import ProtocolError

__all__ = [
    "BATTERY_LEVEL", "BATTERY_SERVICE", "CALIB", "COMPANY", "CONFIG", "CONTROL", "DATA", "DEVICE_INFORMATION_SERVICE",
    "FIRMWARE_REVISION", "HARDWARE_REVISION", "INFO", "MAJOR", "MANUFACTURER_NAME", "MAX_SAMPLES", "MINOR", "MODEL_NUMBER",
    "NO_SLOT", "SERIAL_NUMBER", "SERVICE", "STATUS", "SYNC", "UNKNOWN_BATTERY", "Advertisement", "Config", "DataPacket",
    "Feature", "Info", "Op", "Request", "Response", "Result", "ShortPacket", "State", "StatusFlag", "StatusReport",
    "local_name", "samples_that_fit", "segment_of_slot", "serial_of_name", "serial_text",
]  # fmt: skip

MAJOR: Final = 1
MINOR: Final = 0

_BASE: Final = "2f67{:04x}-a735-4984-8490-c283b3eab954"
SERVICE: Final = _BASE.format(0x0001)
DATA: Final = _BASE.format(0x0002)
CONTROL: Final = _BASE.format(0x0003)
INFO: Final = _BASE.format(0x0004)
CONFIG: Final = _BASE.format(0x0005)
CALIB: Final = _BASE.format(0x0006)
SYNC: Final = _BASE.format(0x0007)
STATUS: Final = _BASE.format(0x0008)

_SIG: Final = "0000{:04x}-0000-1000-8000-00805f9b34fb"
DEVICE_INFORMATION_SERVICE: Final = _SIG.format(0x180A)
MODEL_NUMBER: Final = _SIG.format(0x2A24)
SERIAL_NUMBER: Final = _SIG.format(0x2A25)
FIRMWARE_REVISION: Final = _SIG.format(0x2A26)
HARDWARE_REVISION: Final = _SIG.format(0x2A27)
MANUFACTURER_NAME: Final = _SIG.format(0x2A29)
BATTERY_SERVICE: Final = _SIG.format(0x180F)
BATTERY_LEVEL: Final = _SIG.format(0x2A19)

COMPANY: Final = 0xFFFF
"""Company identifier of the manufacturer data: the one for development."""

_NAME: Final = "IMU-"
_ADVERTISEMENT: Final = struct.Struct("<BBBBH")
_INFO: Final = struct.Struct("<BBHQIBHI")
_CONFIG: Final = struct.Struct("<BIBHBBBH")
_ODR, _ACC_RANGES, _GYR_RANGES = 1, 2, 3


class Feature(IntFlag):
    """What a sensor can do beyond streaming (INFO)."""

    TX_DONE = 1
    SYNC = 2
    RESEND = 4
    CALIB = 8
    AUTHENTICATION = 16
    TEMPERATURE = 32


_NO_FEATURES: Final = Feature(0)


def serial_text(serial: int) -> str:
    """A serial number as people and recordings know it: hexadecimal, at least four digits."""
    return f"{serial:04X}"


def local_name(serial: int) -> str:
    """Name in the scan response."""
    return _NAME + serial_text(serial)


def serial_of_name(name: str | None) -> str | None:
    """Serial number as text, None if the name is not one of ours."""
    if name is None or not name.startswith(_NAME):
        return None
    try:
        return serial_text(int(name[len(_NAME) :], 16))
    except ValueError:
        return None


def segment_of_slot(slot: int) -> str | None:
    """Segment of a slot number, None if it is unassigned or unknown."""
    for segment, number in SLOT_OF_SEGMENT.items():
        if number == slot:
            return segment
    return None


@dataclass(frozen=True, slots=True)
class Advertisement:
    """Manufacturer data of an advertisement, without the company identifier."""

    serial16: int
    """Low 16 bits of the serial number."""
    slot: int = NO_SLOT
    battery_percent: int = UNKNOWN_BATTERY
    state: State = State.IDLE
    flags: int = 0
    """High nibble of the state byte; none is defined yet."""
    major: int = MAJOR

    def __bytes__(self) -> bytes:
        state = (self.flags & 0xF) << 4 | int(self.state)
        return _ADVERTISEMENT.pack(self.major, state, self.battery_percent, self.slot, self.serial16 & 0xFFFF)

    @classmethod
    def from_bytes(cls, data: bytes) -> Advertisement:
        """`ProtocolError` if it is too short or the state is unknown; later fields are skipped."""
        if len(data) < _ADVERTISEMENT.size:
            raise ProtocolError(f"manufacturer data of {len(data)} bytes; protocol v1 has {_ADVERTISEMENT.size}")
        major, state, battery, slot, serial16 = _ADVERTISEMENT.unpack_from(data)
        return cls(serial16, slot, battery, state_of(state & 0xF), state >> 4, major)


@dataclass(frozen=True, slots=True)
class Info:
    """INFO: who the sensor is and what it can do."""

    serial: int
    boot_id: int
    """Changes with every boot."""
    odr_mhz: tuple[int, ...]
    """Sample rates it knows, mHz."""
    acc_ranges_g: tuple[int, ...]
    gyr_ranges_dps: tuple[int, ...]
    max_samples: int = MAX_SAMPLES
    """Per packet, if the MTU allows."""
    hist_ms: int = 0
    """Length of the history for RESEND; 0 = none."""
    features: Feature = _NO_FEATURES
    tick_hz: int = 1_000_000
    major: int = MAJOR
    minor: int = MINOR

    def __bytes__(self) -> bytes:
        fixed = _INFO.pack(
            self.major, self.minor, self.boot_id, self.serial, self.tick_hz, self.max_samples, self.hist_ms, self.features
        )
        tlvs = (
            (_ODR, struct.pack(f"<{len(self.odr_mhz)}I", *self.odr_mhz)),
            (_ACC_RANGES, bytes(self.acc_ranges_g)),
            (_GYR_RANGES, struct.pack(f"<{len(self.gyr_ranges_dps)}H", *self.gyr_ranges_dps)),
        )
        return fixed + b"".join(bytes((kind, len(value))) + value for kind, value in tlvs)

    @classmethod
    def from_bytes(cls, data: bytes) -> Info:
        """`ProtocolError` if the major is another one or the bytes are malformed; unknown TLVs are skipped."""
        if data and data[0] != MAJOR:
            raise ProtocolError(
                f"the sensor speaks protocol {data[0]}, this program {MAJOR}; update the sensor's firmware or the program"
            )
        if len(data) < _INFO.size:
            raise ProtocolError(f"INFO has {len(data)} bytes; protocol v1 has at least {_INFO.size}")
        major, minor, boot_id, serial, tick_hz, max_samples, hist_ms, features = _INFO.unpack_from(data)
        lists: dict[int, bytes] = {}
        at = _INFO.size
        while at < len(data):
            if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
                raise ProtocolError(f"INFO is cut short in its list at byte {at}")
            lists[data[at]] = bytes(data[at + 2 : at + 2 + data[at + 1]])
            at += 2 + data[at + 1]
        odr, gyr = lists.get(_ODR, b""), lists.get(_GYR_RANGES, b"")
        if len(odr) % 4 or len(gyr) % 2:
            raise ProtocolError("INFO lists rates or ranges of a wrong width")
        return cls(
            serial=serial,
            boot_id=boot_id,
            odr_mhz=struct.unpack(f"<{len(odr) // 4}I", odr),
            acc_ranges_g=tuple(lists.get(_ACC_RANGES, b"")),
            gyr_ranges_dps=struct.unpack(f"<{len(gyr) // 2}H", gyr),
            max_samples=max_samples,
            hist_ms=hist_ms,
            features=Feature(features),
            tick_hz=tick_hz,
            major=major,
            minor=minor,
        )


@dataclass(frozen=True, slots=True)
class Config:
    """CONFIG, and the arguments of SET_CONFIG."""

    cfg_id: int
    """Stands in every full DATA packet: which scales and rate are in force."""
    odr_mhz: int
    """Sample rate, mHz."""
    acc_g: int
    """Full scale, g."""
    gyr_dps: int
    """Full scale, °/s."""
    n_samples: int = 0
    """Per packet; 0 = the device chooses from its MTU and `lat_ms`."""
    fmt: int = 0
    filt: int = 0
    """Low-pass filter; 0 = the device's default."""
    lat_ms: int = 50
    """Latency budget: longest time a sample may wait for its packet to fill and for the radio."""

    def __bytes__(self) -> bytes:
        return _CONFIG.pack(
            self.cfg_id, self.odr_mhz, self.acc_g, self.gyr_dps, self.n_samples, self.fmt, self.filt, self.lat_ms
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Config:
        """`ProtocolError` if the length is wrong or the values make no scale."""
        if len(data) != _CONFIG.size:
            raise ProtocolError(f"CONFIG has {len(data)} bytes; protocol v1 has {_CONFIG.size}")
        config = cls(*_CONFIG.unpack(data))
        if not 1_000 <= config.odr_mhz <= 10_000_000 or config.acc_g == 0 or config.gyr_dps == 0:
            raise ProtocolError(
                f"CONFIG has {config.odr_mhz} mHz, {config.acc_g} g, {config.gyr_dps} °/s; a rate of 1 to 10000 Hz and "
                "ranges above 0 are needed"
            )
        return config
