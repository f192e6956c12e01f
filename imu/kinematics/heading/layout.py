"""Layout of what the heading filter keeps, and the constants that its kernels share. Angles rad, lengths m, times s."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter

from imu.packets import Floats

Records = NDArray[np.void]
Record = np.void

BANDS_HZ: Final = ((1.0, 3.0), (2.0, 8.0))
"""Above 1 Hz inclination errors hardly show in the acceleration; the lower band lies below the resonance of soft tissue."""
UPDATE_HZ: Final = 12.5
"""About twice the width of the wider band."""
LAG: Final = 2
"""Samples that the heading runs late: half the window of the derivative."""
CHANNELS: Final = 24
"""Two sensors with acceleration (3) and the matrix that multiplies the lever arm (9)."""

ARM_SIGMA: Final = 0.15
"""m per axis, for an unknown lever arm: the size of a limb."""
ARM_GIVEN_SIGMA: Final = 0.01
RATE_SIGMA: Final = math.radians(0.1)
"""rad/s, of the heading rate: what VQF's bias is uncertain by in motion."""
START_SIGMA: Final = math.radians(20.0)
"""rad, of a heading that a pose has given."""
UNKNOWN_SIGMA: Final = math.pi
SYSTEMATIC: Final = 0.2
"""rad of heading error per residual over signal: measured on linkages and simulated skin; it does not average out."""

BAND: Final = np.dtype(
    [
        # heading, its rate, lever arms of both sides; covariance
        ("x", "f8", (8,)), ("P", "f8", (8, 8)),
        # the scout: lever arms from the vertical alone; covariance; complex mean and energies with these arms
        ("y", "f8", (6,)), ("Q", "f8", (6, 6)), ("c_re", "f8"), ("c_im", "f8"), ("e1", "f8"), ("e2", "f8"),
        ("excited", "f8"), ("apart", "f8"), ("acquiring", "i8"),
        # residual and horizontal signal, (m/s²)²
        ("s2", "f8"), ("signal", "f8"),
        ("sos", "f8", (2, 5)), ("memory", "f8", (2, 2, CHANNELS)), ("out", "f8", (CHANNELS,)),
    ]
)  # fmt: skip
"""One band of one joint."""

JOINT: Final = np.dtype(
    [("rate", "f8"), ("step", "i8"), ("count", "i8"), ("still", "f8"), ("dirty", "f8"), ("begun", "i8"),
     ("offset", "f8", (6,))]
)  # fmt: skip
"""What the bands of one joint share; `dirty`: seconds for which the bands still show what was not measured."""


def initial(rate_hz: float, heading: float, sigma: float, arms: Floats | None) -> tuple[Records, Records]:
    """(joint (1,), bands (2,)) before the first sample; sigma >= pi/4: the heading is not known. arms (6,) or None."""
    joint, bands = np.zeros(1, JOINT), np.zeros(len(BANDS_HZ), BAND)
    joint["rate"], joint["step"] = rate_hz, max(1, round(rate_hz / UPDATE_HZ))
    for band, edges in zip(bands, BANDS_HZ, strict=True):
        sections = np.asarray(butter(2, np.array(edges) / (0.5 * rate_hz), "band", output="sos"))
        band["sos"] = np.delete(sections, 3, axis=1)  # the leading 1 of each denominator
        band["x"][0] = heading
        band["P"][0, 0], band["P"][1, 1] = sigma**2, RATE_SIGMA**2
        arm_var = (ARM_SIGMA if arms is None else ARM_GIVEN_SIGMA) ** 2
        for i in range(6):
            band["P"][2 + i, 2 + i] = band["Q"][i, i] = arm_var
        if arms is not None:
            band["x"][2:] = band["y"] = arms
        band["acquiring"] = sigma > math.pi / 4
        band["s2"] = 0.01
    return joint, bands
