"""Anatomical angles of a joint from the orientations of its two segments."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from imu.conventions import SIDES
from imu.fusion.quaternion import conj_array, mul_array
from imu.packets import Floats

UNIT_TOLERANCE = 1e-3


def joint_angles(q_earth_proximal: ArrayLike, q_earth_distal: ArrayLike, side: str) -> Floats:
    """Flexion, adduction and internal rotation of the distal against the proximal segment: (n, 4), (n, 4) -> (n, 3) rad.

    Segment frames have x anterior, y proximal, z to the person's right on both legs, and both earth frames the same
    heading. With R = R_proximalᵀ R_distal = Rz(a) Rx(b) Ry(c) (Grood & Suntay 1983; ISB): flexion = a, adduction = ±b,
    internal rotation = ±c, minus on the left. Flexion is positive when the far end swings forward, as at the hip; **for
    the knee take its negative** (a knee bends backward). Adduction is positive towards the middle: varus at the knee.

    Parameters
    ----------
    q_earth_proximal, q_earth_distal : (n, 4) w, x, y, z, unit; one may be (4,). NaN rows give NaN.
    side : "left" or "right".

    Returns
    -------
    (n, 3); (3,) for two single quaternions. Adduction lies in ±90°, where the other two are not defined.
    """
    if side not in SIDES:
        raise ValueError(f"joint_angles: side is {side!r}; give 'left' or 'right'")
    proximal, distal = _checked("q_earth_proximal", q_earth_proximal), _checked("q_earth_distal", q_earth_distal)
    if proximal.ndim == 2 and distal.ndim == 2 and len(proximal) != len(distal):
        raise ValueError(f"joint_angles: {len(proximal)} proximal and {len(distal)} distal orientations; give equally many")
    w, x, y, z = np.moveaxis(mul_array(conj_array(proximal), distal), -1, 0)
    sign = 1.0 if side == "right" else -1.0
    flexion = np.arctan2(2.0 * (w * z - x * y), 1.0 - 2.0 * (x * x + z * z))  # -R12, R22
    adduction = sign * np.arcsin(np.clip(2.0 * (y * z + w * x), -1.0, 1.0))  # R32
    rotation = sign * np.arctan2(2.0 * (w * y - x * z), 1.0 - 2.0 * (x * x + y * y))  # -R31, R33
    return np.stack([flexion, adduction, rotation], axis=-1)


def _checked(name: str, q: ArrayLike) -> Floats:
    try:
        q = np.asarray(q, dtype=np.float64)
    except (TypeError, ValueError) as e:
        raise ValueError(f"joint_angles: {name} must be an array of numbers ({e})") from e
    if q.ndim not in (1, 2) or q.shape[-1] != 4:
        raise ValueError(f"joint_angles: {name} has shape {q.shape}; give (n, 4), w x y z")
    norm = np.sqrt(np.sum(q * q, axis=-1))
    if bool(np.any(np.abs(norm - 1.0) > UNIT_TOLERANCE)):
        row = int(np.flatnonzero(np.abs(np.atleast_1d(norm) - 1.0) > UNIT_TOLERANCE)[0])
        raise ValueError(f"joint_angles: {name} row {row} has length {np.atleast_1d(norm)[row]:.4g}; give unit quaternions")
    return q
