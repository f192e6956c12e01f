"""CONTROL: what a simulated sensor does when it is told something."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from firmware_sim.stream import SampleSource
from imu.ble.profiles import v1
from imu.conventions import SLOT_OF_SEGMENT

if TYPE_CHECKING:
    from firmware_sim.device import SensorDevice

ANSWER_FIRST_S: Final = 0.2
"""Between an answer and what would cut it off (reboot)."""
START_LATEST_S: Final = 60.0
CONFIG_BYTES: Final = 13
ANSWER_HEAD_BYTES: Final = 3
MIN_INTERVAL, MAX_INTERVAL = 6, 3200  # connection interval, 1.25 ms

Operation = Callable[[v1.Request], tuple[v1.Result, bytes]]


class Control:
    """The firmware's settings, and the one place that changes them."""

    def __init__(self, device: SensorDevice, config: v1.Config, source: SampleSource) -> None:
        self._device = device
        self._source = source
        self._able = config
        self.config = config
        self.identify_ms = 0
        """Of the last IDENTIFY: there is no lamp to look at."""
        self._operations: dict[int, tuple[tuple[int, ...], Operation]] = {
            v1.Op.GET_INFO: ((0,), self._get_info),
            v1.Op.SET_CONFIG: ((CONFIG_BYTES,), self._set_config),
            v1.Op.START: ((0, 2, 8), self._start),
            v1.Op.STOP: ((0,), self._stop),
            v1.Op.IDENTIFY: ((2,), self._identify),
            v1.Op.SET_SLOT: ((1,), self._set_slot),
            v1.Op.CONN_PARAM_REQ: ((4,), self._conn_param_req),
            v1.Op.POWER_OFF: ((0,), self._power_off),
            v1.Op.REBOOT: ((0,), self._reboot),
        }

    @property
    def info(self) -> v1.Info:
        """INFO: only what this sensor can really do."""
        return v1.Info(
            serial=self._device.identity.serial,
            boot_id=self._device.boot_id,
            odr_mhz=(self._able.odr_mhz,),
            acc_ranges_g=(self._able.acc_g,),
            gyr_ranges_dps=(self._able.gyr_dps,),
            features=self._device.features,
        )

    def answer(self, value: bytes) -> v1.Response | None:
        """Do it and say how it went; None for bytes that are no request."""
        if len(value) < 2 or value[0] & 0x80:
            return None
        request = v1.Request(value[0], value[1], bytes(value[2:]))
        result, data = self._perform(request)
        return v1.Response(request.op, request.tag, result, data)

    def _perform(self, request: v1.Request) -> tuple[v1.Result, bytes]:
        known = self._operations.get(request.op)
        if known is None:
            return v1.Result.UNKNOWN_OP, b""
        lengths, operation = known
        if len(request.args) not in lengths:
            return v1.Result.LENGTH, b""
        return operation(request)

    def _get_info(self, _request: v1.Request) -> tuple[v1.Result, bytes]:
        info = bytes(self.info)
        connection = self._device.connection
        fits = connection is not None and len(info) + ANSWER_HEAD_BYTES <= connection.att_mtu - 3
        return v1.Result.OK, info if fits else b""

    def _set_config(self, request: v1.Request) -> tuple[v1.Result, bytes]:
        if self._device.stream.running:
            return v1.Result.STATE, b""
        try:
            config = v1.Config.from_bytes(request.args)
        except v1.ProtocolError:
            return v1.Result.VALUE, b""
        able = self._able
        same_scales = (config.odr_mhz, config.acc_g, config.gyr_dps) == (able.odr_mhz, able.acc_g, able.gyr_dps)
        if not same_scales or config.fmt != 0 or config.filt != 0 or config.n_samples > v1.MAX_SAMPLES:
            return v1.Result.VALUE, b""
        self.config = config
        return v1.Result.OK, bytes(config)

    def _start(self, request: v1.Request) -> tuple[v1.Result, bytes]:
        delay_ms, at_us = request.start_time()
        delay_s = delay_ms / 1000.0
        if at_us is not None:
            # The device's clock runs at most 0.005 % fast or slow: over a minute that is less than one sample.
            delay_s = (at_us - self._source.device_us(self._device.stream.true_now_s())) / 1e6
        if not 0.0 <= delay_s <= START_LATEST_S:
            return v1.Result.VALUE, b""
        if not self._device.start_streaming(delay_s):
            return v1.Result.STATE, b""
        return v1.Result.OK, struct.pack("<H", self._device.boot_id)

    def _stop(self, _request: v1.Request) -> tuple[v1.Result, bytes]:
        self._device.stream.stop()
        return v1.Result.OK, b""

    def _identify(self, request: v1.Request) -> tuple[v1.Result, bytes]:
        self.identify_ms = int.from_bytes(request.args, "little")
        return v1.Result.OK, b""

    def _set_slot(self, request: v1.Request) -> tuple[v1.Result, bytes]:
        slot = request.args[0]
        if slot != v1.NO_SLOT and slot not in SLOT_OF_SEGMENT.values():
            return v1.Result.VALUE, b""
        self._device.slot = slot
        return v1.Result.OK, b""

    def _conn_param_req(self, request: v1.Request) -> tuple[v1.Result, bytes]:
        shortest, longest = struct.unpack("<HH", request.args)
        if not MIN_INTERVAL <= shortest <= longest <= MAX_INTERVAL:
            return v1.Result.VALUE, b""
        self._device.ask_for_interval(shortest * 1.25, longest * 1.25)
        return v1.Result.OK, b""

    def _power_off(self, _request: v1.Request) -> tuple[v1.Result, bytes]:
        self._device.after(ANSWER_FIRST_S, self._device.power_off)
        return v1.Result.OK, b""

    def _reboot(self, _request: v1.Request) -> tuple[v1.Result, bytes]:
        self._device.after(ANSWER_FIRST_S, self._device.reboot)
        return v1.Result.OK, b""
