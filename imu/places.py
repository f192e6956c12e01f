"""Who wore what in a recording? Proposed from how the sensors moved, whatever their labels say."""

from __future__ import annotations

from imu.fusion.grid import GridBlock
from imu.fusion.recorded import grid_blocks
from imu.kinematics.watch.places import Places, propose
from imu.recording import Recording


def propose_places(recording: Recording) -> Places:
    """A segment for every sensor of a recording that holds a march or a walk, and best a quiet stand before it.

    `Places.places` is in the order of `recording.setup.sensors` and names the sensors by their labels there, which may be
    wrong. A proposal below a confidence of 0.9 is a guess; none is ever applied by itself.
    """
    return propose(grid_of(recording), [s.segment for s in recording.setup.sensors])


def grid_of(recording: Recording) -> GridBlock:
    """All frames of the common grid."""
    return GridBlock.joined(list(grid_blocks(recording)))
