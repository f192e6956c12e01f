"""Verdict on a sensor from what it showed at rest: limits, reason with numbers, and what to do."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from imu.conventions import G

AXES: Final = ("gyroscope x", "gyroscope y", "gyroscope z", "accelerometer x", "accelerometer y", "accelerometer z")
CHECK_RANGE: Final = "replace the sensor or calibrate it"
CHECK_UNITS: Final = "convert the data to m/s² and rad/s before they are imported"
CHECK_GYR: Final = "lay the sensor on a table for a minute and switch it off and on; if that does not help, replace it"
CHECK_AXIS: Final = "switch the sensor off and on; if that does not help, replace it"
CHECK_NOISE: Final = "tighten the strap; if the sensor does it on a table too, replace it"


@dataclass(frozen=True, slots=True)
class CheckParams:
    """Limits of the self-check. Makers of such sensors (MEMS) state offsets of 0.2 to 1 m/s² (20 to 100 mg), 1 to 3 °/s,
    and noise at 100 Hz of 0.01 m/s² and 0.05 °/s; a wearer's muscles and sway add up to 0.06 m/s² and 1 °/s."""

    still_gyr_dps: float = 4.0
    """°/s, largest standard deviation of the rate in half a second of rest. Larger = somebody who sways is checked too."""
    still_acc: float = 0.3
    """m/s², the same of the acceleration."""
    still_mean_dps: float = 20.0
    """°/s, largest mean rate: a steady turn of more is a turn, not a bias."""
    rest_s: float = 1.5
    """s of rest before a verdict."""
    bias_rest_s: float = 3.0
    """s of rest before a verdict on the gyroscope: who stands turns by a degree or two a second for a moment."""
    norm_marked: float = 0.35
    """m/s² from 9.81: an inclination error of 2° may be hidden in it."""
    norm_refused: float = 0.5
    """m/s²: 3°, and the calibration refuses it too."""
    bias_marked_dps: float = 2.0
    """°/s, norm. What is more in one axis the filter does not remove."""
    bias_refused_dps: float = 5.0
    """°/s. What the filter leaves of it tilts the orientation by 3 s x 3 °/s = 9°."""
    acc_noise_marked: float = 0.3
    """m/s², standard deviation from sample to sample, per axis."""
    gyr_noise_marked_dps: float = 2.0
    """°/s, the same."""
    gross: float = 2.5
    """m/s² from 9.81 in slow movement, beyond what the movement itself explains: no rest is needed to see that."""
    gross_s: float = 2.0
    """s of slow movement, nearly all of it off by that much."""
    impossible_rate: float = 80.0
    """rad/s (4600 °/s). No wearable sensor measures it: the rates are in °/s."""
    impossible_samples: int = 10
    """So many of them; one or two are damaged in other ways."""


@dataclass(frozen=True, slots=True)
class SensorCheck:
    """What is known of one sensor."""

    verdict: str = "unchecked"
    """`unchecked` (no rest yet) · `good` · `marked` · `refused`."""
    reason: str = ""
    """With the numbers; empty when good."""
    remedy: str = ""
    """What a person can do."""
    rest_s: float = 0.0
    """Length of the rest behind it."""
    acc_norm: float = math.nan
    """m/s²; 9.81 is right."""
    gyr_bias_dps: float = math.nan
    """°/s, norm of the mean rate."""
    acc_noise: float = math.nan
    """m/s² from sample to sample, per axis; times sqrt(2 / rate) it is the density per sqrt(Hz)."""
    gyr_noise_dps: float = math.nan
    """°/s, the same."""

    @property
    def usable(self) -> bool:
        return self.verdict != "refused"

    @property
    def words(self) -> str:
        """Reason and remedy in one sentence; empty when good."""
        return f"{self.reason}: {self.remedy}" if self.remedy else self.reason


def judged(
    c: SensorCheck, sway: float, turning_dps: float, dead: tuple[int, ...], was_refused: bool, p: CheckParams
) -> SensorCheck:
    """The measured figures with verdict, reason and remedy; the worst finding first.

    sway m/s², turning °/s : how much the half seconds of this rest differ. dead : axes that did not change although the
    others did. What was refused comes back only when it is clearly better: no verdict to and fro.
    """
    refused = p.norm_refused * (0.9 if was_refused else 1.0)
    findings: list[tuple[str, str, str]] = []
    off = max(0.0, abs(c.acc_norm - G) - 2.0 * sway)
    if off > refused or c.acc_norm < 0.5 * G:
        findings.append(("refused", *_wrong_norm(c.acc_norm)))
    for axis in dead:
        findings.append(("refused", f"its {AXES[axis]} does not change although the others do", CHECK_AXIS))
    drift = max(0.0, c.gyr_bias_dps - 2.0 * turning_dps) if c.rest_s >= p.bias_rest_s - 1e-6 else 0.0
    off_rate = f"its gyroscope shows {c.gyr_bias_dps:.1f} °/s at rest instead of 0"
    if drift > p.bias_refused_dps:
        findings.append(("refused", off_rate, CHECK_GYR))
    elif drift > p.bias_marked_dps:
        findings.append(("marked", off_rate, CHECK_GYR))
    if not findings and off > p.norm_marked:
        findings.append(("marked", *_wrong_norm(c.acc_norm)))
    if c.acc_noise > p.acc_noise_marked:
        findings.append(("marked", f"its accelerometer is noisy, {c.acc_noise:.2f} m/s² at rest", CHECK_NOISE))
    if c.gyr_noise_dps > p.gyr_noise_marked_dps:
        findings.append(("marked", f"its gyroscope is noisy, {c.gyr_noise_dps:.1f} °/s at rest", CHECK_NOISE))
    if not findings:
        return c
    findings.sort(key=lambda f: f[0] != "refused")
    return replace(c, verdict=findings[0][0], reason="; ".join(f[1] for f in findings), remedy=findings[0][2])


def _wrong_norm(norm: float) -> tuple[str, str]:
    """(reason, remedy)."""
    for unit, size in (("g", 1.0), ("milli-g or cm/s²", 1000.0)):
        if 0.9 * size < norm < 1.1 * size:
            return f"its accelerometer shows {norm:.3g} at rest; the data seem to be in {unit}", CHECK_UNITS
    if norm < 0.01:
        return "its accelerometer shows nothing at all", CHECK_AXIS
    return f"its accelerometer shows {norm:.1f} m/s² at rest instead of 9.8", CHECK_RANGE
