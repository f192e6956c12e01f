"""Who wore what in a recording? Proposed from how the sensors moved, whatever their labels say."""

from __future__ import annotations

from typing import Final

from imu.fusion.channel import SensorChannel
from imu.fusion.grid import Grid, GridBlock
from imu.kinematics.watch.buffer import joined
from imu.kinematics.watch.places import Places, propose
from imu.recording import Recording

BLOCK_S: Final = 20.0


def propose_places(recording: Recording) -> Places:
    """A segment for every sensor of a recording that holds a march or a walk, and best a quiet stand before it.

    `Places.places` is in the order of `recording.setup.sensors` and names the sensors by their labels there, which may be
    wrong. A proposal below a confidence of 0.9 is a guess; none is ever applied by itself.
    """
    return propose(grid_of(recording), [s.segment for s in recording.setup.sensors])


def grid_of(recording: Recording) -> GridBlock:
    """All frames of the common grid."""
    setup = recording.setup
    channels = [SensorChannel(s, setup.t0_host_ns, method=setup.filter, limits=setup.gaps) for s in setup.sensors]
    row = {s.sensor: i for i, s in enumerate(setup.sensors)}
    grid = Grid(len(channels), setup.grid_hz, round(setup.wait_ms * 1000))
    blocks: list[GridBlock] = []
    for packet in recording.blocks(BLOCK_S):
        i = row[packet.sensor]
        poses = channels[i].push(packet)
        if len(poses):
            grid.push(i, poses, int(packet.t_us[-1] - packet.t_us[0]) + round(1e6 / setup.sensors[i].rate_hz))
        blocks.append(grid.take())
    return joined([*blocks, grid.finish()])
