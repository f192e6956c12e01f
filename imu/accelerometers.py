"""Accelerometers corrected with what their own recording says: before it is processed, for all of it alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from imu.config import SensorSetup, Setup
from imu.conventions import G
from imu.feedback.approved import ApprovedSet
from imu.fusion.acc_offset import AccOffset, AccOffsetFilter
from imu.fusion.acc_offset_filter import NEW_FRAME, UNBELIEVED
from imu.fusion.channel import SensorChannel
from imu.fusion.gaps import FRESH, RESTART, SKIP_ACC
from imu.fusion.sensor_check import CheckParams, SensorCheck
from imu.recording import Recording

BLOCK_S: Final = 20.0
GROSS: Final = 2.5
"""m/s². A sensor that was never at rest is corrected only for an offset beyond all doubt: this large ..."""
SURE: Final = 5.0
"""... and so many times its own uncertainty."""


def with_corrected_accelerometers(recording: Recording, setup: Setup) -> Setup:
    """The setup with the offsets of those accelerometers that need it and allow it.

    A sensor is left alone if its check at rest is good. `SensorSetup.acc_note` says what was done with each of the others,
    and why.
    """
    channels = {s.sensor: SensorChannel(s, setup.t0_host_ns, limits=setup.gaps) for s in setup.sensors}
    offsets = {s.sensor: AccOffsetFilter(s.rate_hz) for s in setup.sensors}
    for packet in recording.blocks(BLOCK_S):
        if len(packet) == 0:
            continue
        rows = channels[packet.sensor].rows(packet)
        skipped, fresh = (rows.actions & SKIP_ACC) != 0, (rows.actions & (RESTART | FRESH)) != 0
        what = np.array(UNBELIEVED * skipped + NEW_FRAME * fresh, np.uint8)
        offset = offsets[packet.sensor]
        offset.update(rows.gyr, rows.acc, rows.pace * offset.period_s, what)
    sensors = (_corrected(s, channels[s.sensor].check, offsets[s.sensor].estimate()) for s in setup.sensors)
    return setup.with_(sensors=tuple(sensors))


def _corrected(sensor: SensorSetup, check: SensorCheck, found: AccOffset) -> SensorSetup:
    """One sensor with what is to be done about its accelerometer."""
    if check.verdict == "unchecked":
        needed = found.known_size > GROSS and found.certainty > SURE
    elif math.isnan(check.acc_norm):
        needed = not check.usable
    else:
        needed = abs(check.acc_norm - G) > CheckParams().norm_marked
    if not needed:
        return sensor
    if not found.usable:
        note = f"accelerometer offset not removed: {found.reason}"
        return replace(sensor, acc_note=note)
    x, y, z = (a + b for a, b in zip(sensor.acc_offset, found.offset, strict=True))
    c = found.covariance
    covariance = tuple(float(c[i, j]) for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)))
    note = f"accelerometer offset {found.words}; removed, estimated from {found.duration_s:.0f} s of this recording"
    return replace(sensor, acc_offset=(x, y, z), acc_covariance=covariance, acc_note=note)


def with_approved_errors(setup: Setup) -> Setup:
    """The setup with the offsets that its own approved set knows: live there is no recording to find them in."""
    return with_known_errors(setup, ApprovedSet.from_json(setup.baseline).acc_errors) if setup.baseline else setup


def with_known_errors(setup: Setup, errors: Mapping[str, tuple[float, ...]]) -> Setup:
    """The setup with the offsets that were found before, in the person's approved set, of sensors that have none yet.

    errors : by sensor, offset and covariance as `imu.feedback.approved.ApprovedSet.acc_errors`.
    """
    note = "accelerometer offset known from the approved set; removed"
    sensors = (
        replace(s, acc_offset=errors[s.sensor][:3], acc_covariance=errors[s.sensor][3:], acc_note=note)
        if s.sensor in errors and not any(s.acc_offset)
        else s
        for s in setup.sensors
    )
    return setup.with_(sensors=tuple(sensors))
