"""Gait events of a whole recording, by the code that finds them live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imu.fusion.recorded import grid_blocks
from imu.kinematics.body import Body
from imu.kinematics.gait.detector import GaitDetector
from imu.outputs import Event

if TYPE_CHECKING:
    from imu.recording import Recording


def gait_events(recording: Recording) -> tuple[Event, ...]:
    """Contacts and foot off in the order of their times, from what is worn: foot, shank with thigh, or shank.

    The same as a live session would have found, with its delays (`t_emitted_us`) and its cold start; predictions are left
    out. Events of a sensor that is refused at its check at rest are unknown: `imu.accelerometers` can correct an
    accelerometer first.

    Parameters
    ----------
    recording : Recording
        From `imu.load` or `Recording.from_samples`.
    """
    setup = recording.setup
    body, detector = Body(setup), GaitDetector([s.segment for s in setup.sensors], setup.grid_hz)
    events: list[Event] = []
    for block in grid_blocks(recording):
        events += detector.push(block, body.push(block)[1], body.calibration)
    steps = (e for e in events if e.kind != "initial_contact_predicted")
    return tuple(sorted(steps, key=lambda e: (e.t_us, e.kind, e.side or "")))
