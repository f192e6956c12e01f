"""What the relative heading is estimated with: constants, and the coefficients made of them once."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from imu.fusion.rates import sample_period
from imu.packets import Floats

DEG: Final = math.pi / 180.0
BANDS: Final = 2
SECTIONS: Final = 2
LAG: Final = 2
"""Frames by which this room is late: the derivative of the rate needs two on either side."""


@dataclass(frozen=True, slots=True)
class Params:
    """Constants of the filter, found on rigid two-segment linkages with an optical reference; see `bands` and `fusion`."""

    bands_hz: tuple[tuple[float, float], tuple[float, float]] = ((1.0, 3.0), (2.0, 8.0))
    """Hz. Above the error of the inclination; below soft tissue (first) and the noise of the derivative (second)."""
    update_hz: float = 12.5
    """Hz, about twice the width of the wider band. Larger = slower, with no more information."""
    rate_sigma: float = 0.1 * DEG
    """rad/s, how fast the headings of two sensors drift apart (1σ). Larger = follows faster, is noisier."""
    start_rate_sigma: float = 0.5 * DEG
    """rad/s, the same at the very start, when no filter knows its bias yet."""
    rate_memory_s: float = 100.0
    """s for which a drift lasts."""
    walk: float = 0.1 * DEG
    """rad/√s, noise of the heading. Larger = forgets faster."""
    scale_sigma: float = 0.015
    """Share by which the gyroscopes of two sensors differ: a turn of both about the vertical turns their headings apart.
    With 1 % of opposite error a linkage that turned twice was wrong by 5.3°, with this state by 2.9°."""
    arm_sigma: float = 0.15
    """m per axis, size of a limb: distance of a sensor from the joint's centre."""
    given_arm_sigma: float = 0.01
    """m per axis, error of arms that were measured."""
    arm_walk: float = 5e-4
    """m/√s, creep of straps."""
    noise_floor: float = 0.05
    """m/s² per axis, least error of an acceleration in a band."""
    least_noise: float = 0.02
    """m/s² per axis, of sensors and derivative, in the band."""
    motion_share: float = 0.1
    """Share of the acceleration that counts as error: scale, timing, flexibility. Larger = slower and surer."""
    correlation: float = 2.0
    """How many updates in a row have the same error. Larger = slower; 4 lost 20 % on slow motion, 1 gained nothing."""
    noise_memory_s: float = 10.0
    """s over which the error is measured."""
    gate: float = 3.0
    """σ from which an error counts less and less."""
    systematic: float = 0.17
    """rad of heading error per unit of error to signal that does not average out. Larger = larger σ."""
    scout_memory_s: float = 5.0
    """s over which the scout looks for the heading. Larger = later, surer."""
    coherence: float = 0.8
    """0..1, how well both sides must fit for the scout to be believed."""
    acquire_s: float = 4.0
    """s of brisk motion before the scout is believed."""
    excited: float = 0.15
    """m/s², horizontal acceleration of the joint in the band that counts as brisk."""
    acquired_sigma: float = 10.0 * DEG
    """rad, error of what the scout finds."""
    lost: float = 45.0 * DEG
    """rad; a heading that is less sure is searched for anew."""
    jump: float = 20.0 * DEG
    """rad between scout and filter that counts as a jump (a strap slipped, a wrong start)."""
    jump_s: float = 3.0
    """s for which it must last."""
    start_sigma: float = 20.0 * DEG
    """rad, least error of a start heading that somebody tells."""
    still_rate: float = 4.0 * DEG
    """rad/s; both sensors slower for `still_s`: nothing is learnt and nothing drifts."""
    still_s: float = 1.0
    rest_s: float = 3.0
    """s of stillness after which the filters have measured their bias anew: the drift that was known is void."""
    settle_s: tuple[float, float] = (1.0, 0.5)
    """s per band, between the first frame after a hole and the first update."""
    dirty_s: tuple[float, float] = (0.2, 0.1)
    """s per band after a bridged hole or a saturated sample for which nothing is learnt."""
    hole_error: float = 0.6
    """1/√s: rotation that a bridged hole may hide, as `GapLimits.error_share`."""
    pose_drift: float = 0.1 * DEG
    """rad/s by which what a pose told ages."""
    axes_memory_s: float = 5.0
    """s over which the heading of a hinge's axis is averaged."""
    axes_share: float = 0.2
    """Least horizontal share of the axis."""
    floor_knee: float = 6.0 * DEG
    """rad, least error of the axis source at a knee, which is no hinge."""
    floor_hinge: float = 2.5 * DEG
    """rad, the same at a mechanical hinge: with 1.5° four times slower motion was off by 1.6 σ in all."""
    floor_other: float = 3.0 * DEG


SCALARS: Final = tuple(
    f.name for f in fields(Params) if f.name not in ("bands_hz", "settle_s", "dirty_s") and not f.name.startswith("floor_")
)
"""Those that the kernels get as they are, in the order of the coefficient row."""
COEFFICIENTS: Final = np.dtype(
    [(name, "f8") for name in SCALARS]
    + [
        ("dt", "f8"), ("step_s", "f8"), ("step", "i8"), ("rate_kept", "f8"), ("scout_kept", "f8"), ("axes_kept", "f8"),
        ("settle", "i8", (BANDS,)), ("dirty", "i8", (BANDS,)), ("sos", "f8", (BANDS, SECTIONS, 5)),
    ]
)  # fmt: skip
"""What the kernels use; sos: b0, b1, b2, a1, a2."""


def coefficients(rate_hz: float, params: Params) -> np.ndarray:
    """(1,) COEFFICIENTS for frames at this rate."""
    dt = sample_period(rate_hz)
    c = np.zeros(1, COEFFICIENTS)
    for name in SCALARS:
        c[name] = getattr(params, name)
    step = max(1, round(rate_hz / params.update_hz))
    c["dt"], c["step"], c["step_s"] = dt, step, step * dt
    c["rate_kept"] = math.exp(-step * dt / params.rate_memory_s)
    c["scout_kept"] = math.exp(-step * dt / params.scout_memory_s)
    c["axes_kept"] = math.exp(-step * dt / params.axes_memory_s)
    for b in range(BANDS):
        c["settle"][0, b] = round(params.settle_s[b] * rate_hz)
        c["dirty"][0, b] = round(params.dirty_s[b] * rate_hz)
        c["sos"][0, b] = band_pass(*params.bands_hz[b], rate_hz)
    return c


def band_pass(low_hz: float, high_hz: float, rate_hz: float) -> Floats:
    """Butterworth band-pass of order 2 as (2, 5) sections b0, b1, b2, a1, a2; the upper edge at most 0.45 of the rate."""
    high_hz = min(high_hz, 0.45 * rate_hz)
    low, high = (2.0 * rate_hz * math.tan(math.pi * f / rate_hz) for f in (low_hz, high_hz))
    width, centre2 = high - low, low * high
    out = np.zeros((SECTIONS, 5))
    pole = complex(-math.sqrt(0.5), math.sqrt(0.5)) * width / 2.0
    root = (pole * pole - centre2) ** 0.5
    gain = 1.0
    for k, p in enumerate((pole + root, pole - root)):
        z = (2.0 * rate_hz + p) / (2.0 * rate_hz - p)
        out[k] = 1.0, 0.0, -1.0, -2.0 * z.real, abs(z) ** 2
        # a zero at z = 1 and one at z = -1; each section has gain 1 at the centre
        at = complex(math.cos(w := 2.0 * math.atan(math.sqrt(centre2) / (2.0 * rate_hz))), math.sin(w))
        gain = abs((1.0 - at**-2) / (1.0 + out[k, 3] / at + out[k, 4] / at**2))
        out[k, :3] /= gain
    return out
