"""Layout of what the kernels of this room keep. Angles rad, rates rad/s, accelerations m/s², times int64 µs."""

from __future__ import annotations

from typing import Final

import numpy as np

FOOT, SHANK = 0, 1
"""Which sensor tells the steps of a leg."""
NEVER: Final = -(1 << 60)
"""µs: long ago."""

# columns of a leg's ring, one row per frame: time (µs, exact in a float), rate and acceleration of the sensor after the
# low-pass, size of the rate, velocity since the last rest in the frame of that rest, rate about the flexion axis (+ the
# toes go up, the lower end of the shank goes forward), 1 = made up over a hole, rate of the thigh (3, then about its axis)
T, GYR, ACC, SIZE, VEL, RATE, FILLED, THIGH, THIGH_RATE, JERK = 0, 1, 4, 7, 8, 11, 12, 13, 16, 17
COLUMNS: Final = 18
RAW: Final = 10
"""What the low-pass keeps of a frame: gyr, acc, filled, gyr of the thigh."""

# states of a leg
WAITING, STANCE, PUSHING, SWING = range(4)

AXIS: Final = np.dtype(
    [
        # told by a calibration; found by itself
        ("told", "i8"), ("known", "i8"), ("axis", "f8", (3,)), ("up_known", "i8"), ("acc", "f8", (3,)), ("up", "f8", (3,)),
        # sum of products of the rate without its vertical part, rad²/s, and its trace
        ("c", "f8", (3, 3)), ("energy", "f8"), ("count", "i8"),
        # evidence for the sign, and the sign by it, 0 = not known yet; rad turned one way, and how often that was much
        ("drive", "f8"), ("size", "f8"), ("sign", "f8"), ("lobe", "f8"), ("lobes", "i8"),
    ]
)  # fmt: skip
"""Flexion axis of one sensor, in its own frame."""

STRAPDOWN: Final = np.dtype(
    [("known", "i8"), ("turn", "f8", (3, 3)), ("gravity", "f8", (3,)), ("v", "f8", (3,)), ("age_us", "i8")]
)
"""Velocity since the last rest."""

LEG: Final = np.dtype(
    [
        # FOOT or SHANK; columns of the grid of that sensor and of the thigh, -1 = none
        ("source", "i8"), ("main", "i8"), ("thigh", "i8"),
        # rows in the ring since the start, the first of them after the last interruption; rows in the low-pass
        ("n", "i8"), ("known", "i8"), ("raw", "i8"),
        # µs made up in a row, the newest frame, µs of rest in a row: full, nearly, of the machine
        ("hole", "i8"), ("t_frame", "i8"), ("rest_us", "i8"), ("soft_us", "i8"), ("settled_us", "i8"),
        # the machine; `pending`: foot off is not told yet, `held`: it waits for the contact
        ("state", "i8"), ("t_off", "i8"), ("t_contact", "i8"), ("t_swing", "i8"), ("pending", "i8"), ("held", "i8"),
        ("predicted", "i8"), ("off_confidence", "f8"), ("off_method", "i8"), ("pushed", "i8"), ("t_push", "i8"),
        ("t_zero", "f8"), ("low", "f8"), ("t_low", "i8"), ("shock", "f8"), ("t_shock", "i8"),
        ("peak", "f8"), ("t_peak", "i8"), ("fast", "f8"), ("turned", "f8"), ("t_flat", "i8"),
        # peak rate in swing, the usual and the last one; what is usual of a contact: µs after the zero of the rate, µs
        # after the contact before, m/s³ of its shock, µs of the shock after what the rate tells
        ("usual", "f8"), ("last_peak", "f8"), ("lag", "f8"), ("stride", "f8"), ("usual_shock", "f8"), ("behind", "f8"),
        # of the newest contact, until its shock is over: µs after the zero as the rate tells it
        ("unlearnt", "i8"), ("by_rate", "f8"),
        # newest event of all, of each kind, newest sure contact; those of the other leg; up to `mute` nothing is told again
        ("t_told", "i8"), ("mute", "i8"), ("last_off", "i8"), ("last_contact", "i8"),
        ("last_sure", "i8"), ("other_off", "i8"), ("other_contact", "i8"), ("other_sure", "i8"),
        # a small step that waits for the next one
        ("kept_off", "i8"), ("kept_contact", "i8"), ("kept_off_method", "i8"), ("kept_method", "i8"),
    ]
)  # fmt: skip
"""One leg."""

REPORT: Final = np.dtype(
    [("kind", "i8"), ("leg", "i8"), ("t_us", "i8"), ("t_emitted_us", "i8"), ("confidence", "f8"), ("method", "i8")]
)
CONTACT, OFF, PREDICTED, INTERRUPTED = range(4)
KINDS: Final = ("initial_contact", "foot_off", "initial_contact_predicted", "gait_interrupted")

BY_REVERSAL, BY_TIME, BY_FALL, BY_DISPLACEMENT, BY_PUSH, BY_KNEE, BY_RISE, BY_SHOCK = range(8)
METHODS: Final = ("reversal", "time", "flat landing", "displacement", "push-off", "knee rate", "swing", "shock")
"""How an event was found."""
