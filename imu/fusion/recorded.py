"""A whole recording on the common grid, by the code that does it live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from imu.fusion.channel import SensorChannel
from imu.fusion.grid import Grid, GridBlock

if TYPE_CHECKING:
    from imu.recording import Recording

BLOCK_S = 20.0


def grid_blocks(recording: Recording, seconds: float = BLOCK_S) -> Iterator[GridBlock]:
    """All frames in order; `seconds`: how much is taken at once, which changes nothing."""
    setup = recording.setup
    channels = [SensorChannel(s, setup.t0_host_ns, method=setup.filter, limits=setup.gaps) for s in setup.sensors]
    row = {s.sensor: i for i, s in enumerate(setup.sensors)}
    grid = Grid(len(channels), setup.grid_hz, round(setup.wait_ms * 1000))
    for packet in recording.blocks(seconds):
        i = row[packet.sensor]
        poses = channels[i].push(packet)
        if len(poses):
            grid.push(i, poses, int(packet.t_us[-1] - packet.t_us[0]) + round(1e6 / setup.sensors[i].rate_hz))
        yield grid.take()
    yield grid.finish()
