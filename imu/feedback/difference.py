"""How sure is the change of an angle, where the angle itself is not?

An angle x is off by e · g + p. e is one constant of the session, where the front of the segment is (1σ: the axis of the
calibration, 4 to 11°); g says how much that matters in a pose: turning a frame by e about its long axis y adds e times the
forward component of up, e · sin(sagittal tilt), to a roll, and as much of the lean to a frontal tilt. p passes:
inclination, flesh, acceleration. With a = σ(e) · g (`FrameBlock.steady`, signed) and passing variances P, a change from
pose 0 to pose 1 has, summed over the terms of a quantity,

    variance = Σ (a1 - a0)² + P1 + P0                                                     first order in e

For who lies, g goes from 1 to 0.85 and most of e cancels. For who stood at the start, g0 = 0 and nothing does: at 70° of
trunk tilt an unsure pelvis is as unsure as before. But the person has been there: in an earlier repetition, at its deepest,
the pose was the same. What this one is more than the best of the earlier ones (the one that went least towards the limit)
is no error of the front. So a rule may also speak if a value goes *by its limit further* than the best repetition ever went
that way; the whole value must be beyond it too, so that a repetition in order after a faulty one is not the opposite fault.
A fault that is in every repetition alike is told by nobody but the calibration.
"""

from __future__ import annotations

import math
from typing import Final

from imu.feedback.records import Records
from imu.kernels import kernel
from imu.packets import Floats

TERMS: Final = 4
"""Most terms of a quantity."""


@kernel
def passing(row: int, i: int, sigma: Floats, steady: Floats) -> float:
    """Variance of quantity i, rad², but for its steady part; sigma (m, Q), steady (m, Q, 4)."""
    variance = sigma[row, i] ** 2
    for k in range(TERMS):
        variance -= steady[row, i, k] ** 2
    return max(variance, 0.0)


@kernel
def note_rest(row: int, i: int, gain: float, sigma: Floats, steady: Floats, w: Records) -> None:
    """The errors at rest follow as the value does, by a share `gain`."""
    w["rest_var"] += gain * (passing(row, i, sigma, steady) - w["rest_var"])
    for k in range(TERMS):
        w["rest_steady"][k] += gain * (steady[row, i, k] - w["rest_steady"][k])


@kernel
def since(row: int, i: int, sigma: Floats, steady: Floats, then: Floats, then_var: float) -> float:
    """1σ, rad, of the change since an instant with steady parts `then` (4,) and passing variance `then_var`."""
    variance = passing(row, i, sigma, steady) + then_var
    for k in range(TERMS):
        variance += (steady[row, i, k] - then[k]) ** 2
    return math.sqrt(variance)


@kernel
def note_deepest(row: int, i: int, sigma: Floats, steady: Floats, w: Records) -> None:
    """The errors at the deepest instant so far."""
    w["deep_var"] = passing(row, i, sigma, steady)
    for k in range(TERMS):
        w["deep_steady"][k] = steady[row, i, k]


@kernel
def keep_best(watched: Records, peaks: Floats) -> None:
    """A repetition was counted in which each row went `peaks` (Q,) rad towards its limit at most, NaN = not known in all of
    it; errors as in `note_deepest`. The least is kept."""
    for i in range(len(watched)):
        w, peak = watched[i], peaks[i]
        if peak == peak and w["deepest"] == w["deepest"] and not (w["best_known"] == 1 and w["best"] <= peak):
            w["best_known"], w["best"], w["best_var"] = 1, peak, w["deep_var"]
            for k in range(TERMS):
                w["best_steady"][k] = w["deep_steady"][k]
