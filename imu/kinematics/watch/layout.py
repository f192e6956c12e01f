"""Layout of what the kernels of this room keep. Angles rad, rates rad/s, times int64 µs, segment frames as calibrated."""

from __future__ import annotations

from typing import Final

import numpy as np

# what is worth a decision after a frame; bits
END: Final = 0
PHASE: Final = (1, 2)
"""A single-leg phase ended, by pairing."""
CYCLE: Final = (4, 8)
"""A thigh went forward and came back, by labelled side."""
REST: Final = (16, 32, 64)
"""Another look at a quiet left leg, right leg, pelvis."""
BLOCK: Final = 128
"""Activity of the four leg sensors over `blocks.BLOCK_S`."""

LIMB: Final = np.dtype(
    [
        ("part", "i8"), ("group", "i8"), ("known", "i8"), ("q", "f8", (4,)),
        # of the present frame: usable, worth learning from, up in the segment frame, tilts, leaning to the right
        ("fine", "i8"), ("clean", "i8"), ("up", "f8", (3,)), ("tilt", "f8"), ("sagittal", "f8"), ("lean", "f8"),
        # rate in the segment frame: as it is, low-passed once and twice; smoothed root of its size; vertical acceleration
        # and its slow mean
        ("rate", "f8", (3,)), ("low", "f8", (3,)), ("lower", "f8", (3,)), ("busy", "f8"),
        ("rise", "f8", (2,)), ("slow_rise", "f8"),
        # quiet stand under way: smoothed rate, sums of up and of the heading of x (cos, sin)
        ("calm", "f8", (3,)), ("run_up", "f8", (3,)), ("run_face", "f8", (2,)), ("run_n", "i8"), ("turned", "f8"),
        # the last complete one
        ("rest_up", "f8", (3,)), ("rest_face", "f8", (2,)), ("rest_n", "i8"), ("rest_turned", "f8"), ("restarted", "i8"),
        # heading of z (cos, sin), how often it began anew; frames since the last look: leg free, leg carrying alone
        ("face", "f8", (2,)), ("restarts", "i8"), ("settling", "i8"), ("lifted", "i8"), ("alone", "i8"),
    ]
)  # fmt: skip
"""One sensor; `q` is q_sensor_segment. part: as in `kinematics.layout`; group: which of `REST` it belongs to, -1 = none."""

LEG: Final = np.dtype([("thigh", "i8"), ("shank", "i8"), ("fine", "i8"), ("free", "f8")])
"""Two sensors taken for one leg: rows of its thigh and shank (-1 = not worn), and how far it is from carrying."""

_PHASE: Final = [
    ("frames", "i8"), ("t_start", "i8"), ("t_end", "i8"), ("weight", "f8", (2,)), ("lean", "f8", (2,)),
    ("rise", "f8", (2,)), ("busy", "f8"),
]  # fmt: skip
PAIRING: Final = np.dtype(
    [("stance", "i8"), ("ended", "i8"), ("running", _PHASE), ("done", _PHASE)]
)
"""One way of joining thighs and shanks to legs. stance, ended: 0 left, 1 right (labelled side of the carrying thigh, of
the shank without one), -1 none. A phase sums the weighted lean (to the right) of the carrying thigh and shank, and the
squared vertical acceleration of the free ones; busy: mean `busy` of the carrying ones, times s."""

TURN: Final = np.dtype([("zz", "f8"), ("xz", "f8"), ("yz", "f8")])
"""Second moments of a rate over a cycle, in the segment frame."""
_CYCLE: Final = [
    ("frames", "i8"), ("t_start", "i8"), ("t_end", "i8"), ("missed", "i8"), ("tilt", "f8", (2,)),
    ("own", TURN, (2,)), ("upright", "f8"), ("late", "f8"), ("face", "f8", (2,)), ("turned", "f8"),
    ("restarts", "i8"), ("hidden", "f8"),
]  # fmt: skip
CYCLES: Final = np.dtype([("out", "i8"), ("running", _CYCLE), ("done", _CYCLE)])
"""One labelled leg from one return of its thigh to the next. own: rate of thigh and shank, each in its own frame.
face: weighted sum of cos, sin of the heading of the shank's z against the thigh's, each in its own earth frame, while both
are upright; upright: the weight, late: its first moment in s since the start. turned: of the thigh about the vertical, rad,
net. hidden: what both have turned in frames that were bridged or saturated, rad."""

COMMON: Final = np.dtype(
    [
        ("frame", "i8"), ("still", "i8", (3,)),
        ("block", "i8"), ("both", "f8"), ("thighs", "f8"), ("shanks", "f8"), ("block_both", "f8"),
        ("block_thighs", "f8"), ("block_shanks", "f8"), ("block_bent", "f8", (2,)), ("bent", "f8", (2,)),
        ("block_back", "f8"), ("back", "f8"),
    ]
)  # fmt: skip
"""What all have in common: frames seen, still frames of each group, and sums over a block of left minus right activity.
bent: per leg, s with both knees bent alike in which the thigh tilts more, minus those in which the shank does. back: s
in which a knee would bend backward if thighs belonged to the shanks of the other label, minus as labelled."""
