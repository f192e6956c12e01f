"""Layout of what the kernels of this room keep. Angles rad, rates rad/s, lengths m, times s or frames."""

from __future__ import annotations

from typing import Final

import numpy as np

from imu.kinematics.heading.params import BANDS, SECTIONS

WINDOW: Final = 5
"""Frames of the derivative."""
CHANNELS: Final = 12
"""Of a sensor: its acceleration in its earth frame (3), and what the arm is multiplied with (3 x 3, row by row)."""
STATE: Final = 9
"""Heading, its rate, its share of the turn, arm of the proximal sensor, arm of the distal one."""
ARM_1: Final = 3
ARM_2: Final = 6
"""Where the arms begin."""
ARMS: Final = 6
LONG: Final = 1 << 30
"""Frames: long ago."""

SENSOR: Final = np.dtype(
    [
        # the last frames in a ring: q, gyr, acc
        ("ring", "f8", (WINDOW, 10)), ("start", "f8", (3,)),
        # frames in a row that are known; since the band-passes began; since one that is not to be learnt from
        ("known", "i8"), ("since", "i8"), ("clean", "i8"),
        # the filter has begun anew: its heading is another one
        ("restarted", "i8"),
        # bridged hole under way: its frames, the rate before it; what the one that ended now may hide, rad²
        ("hole", "i8"), ("hole_gyr", "f8", (3,)), ("doubt", "f8"), ("saturated", "i8"),
        # turn about the vertical since the last update, rad
        ("turn", "f8"),
        ("state", "f8", (BANDS, SECTIONS, 2, CHANNELS)), ("feature", "f8", (BANDS, CHANNELS)),
    ]
)  # fmt: skip

BAND: Final = np.dtype(
    [
        ("x", "f8", (STATE,)), ("p", "f8", (STATE, STATE)),
        # arms by the scout
        ("y", "f8", (ARMS,)), ("q", "f8", (ARMS, ARMS)),
        # mean square of the error per axis, of the horizontal acceleration
        ("noise", "f8"), ("power", "f8"),
        # the scout's sums; s of brisk motion, s of contradiction
        ("c_re", "f8"), ("c_im", "f8"), ("e1", "f8"), ("e2", "f8"), ("brisk", "f8"), ("against", "f8"),
        # the heading is not known yet; variance that was not learnt from motion (told, or by the scout)
        ("searching", "i8"), ("prior", "f8"), ("prior_delta", "f8"),
        # of the heading, with what does not average out
        ("variance", "f8"),
    ]
)  # fmt: skip

JOINT: Final = np.dtype(
    [
        ("proximal", "i8"), ("distal", "i8"), ("still", "i8"), ("changed", "i8"), ("floor", "f8"),
        ("pose_known", "i8"), ("pose", "f8"), ("pose_var", "f8"),
        ("axes_known", "i8"), ("z1", "f8", (3,)), ("z2", "f8", (3,)), ("axes_sigma", "f8"), ("axes_extra", "f8"),
        # sums of products of both sensors' turns to earth: horizontal rows (complex), vertical rows
        ("weight", "f8"), ("m_re", "f8", (3, 3)), ("m_im", "f8", (3, 3)),
        ("n11", "f8", (3, 3)), ("n22", "f8", (3, 3)), ("n12", "f8", (3, 3)),
        ("delta", "f8"), ("sigma", "f8"),
    ]
)  # fmt: skip
