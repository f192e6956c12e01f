"""What a sensor tells about a joint at the end of a lever arm, and the band-passes over it."""

from __future__ import annotations

from imu.fusion.quaternion import rotate
from imu.kernels import kernel
from imu.kinematics.heading.layout import CHANNELS, Record
from imu.packets import Floats


@kernel
def feature(q: Floats, acc: Floats, gyr: Floats, m: int, rate: float, first: int, out: Floats) -> None:
    """Sample m of one sensor: out[first:first + 3] = R acc, then nine values R ([a]x + [w]x²), row by row.

    q (n, 4), acc (n, 3) m/s², gyr (n, 3) rad/s; a: angular acceleration by the five-point derivative, which needs the
    samples m - 2 to m + 2. The acceleration of the joint is the first three minus the nine times the lever arm.
    """
    f = rate / 12.0
    ax = (gyr[m - 2, 0] - 8.0 * gyr[m - 1, 0] + 8.0 * gyr[m + 1, 0] - gyr[m + 2, 0]) * f
    ay = (gyr[m - 2, 1] - 8.0 * gyr[m - 1, 1] + 8.0 * gyr[m + 1, 1] - gyr[m + 2, 1]) * f
    az = (gyr[m - 2, 2] - 8.0 * gyr[m - 1, 2] + 8.0 * gyr[m + 1, 2] - gyr[m + 2, 2]) * f
    x, y, z = gyr[m, 0], gyr[m, 1], gyr[m, 2]
    turn = (q[m, 0], q[m, 1], q[m, 2], q[m, 3])
    out[first], out[first + 1], out[first + 2] = rotate(turn, (acc[m, 0], acc[m, 1], acc[m, 2]))
    at = first + 3
    out[at], out[at + 3], out[at + 6] = rotate(turn, (-y * y - z * z, x * y + az, x * z - ay))
    out[at + 1], out[at + 4], out[at + 7] = rotate(turn, (x * y - az, -x * x - z * z, y * z + ax))
    out[at + 2], out[at + 5], out[at + 8] = rotate(turn, (x * z + ay, y * z - ax, -x * x - y * y))


@kernel
def band_pass(band: Record, raw: Floats) -> None:
    """One sample of all channels through both biquads (transposed direct form II) into `band.out`."""
    sos, memory, out = band["sos"], band["memory"], band["out"]
    for c in range(CHANNELS):
        v = raw[c]
        w = sos[0, 0] * v + memory[0, 0, c]
        memory[0, 0, c] = sos[0, 1] * v - sos[0, 3] * w + memory[0, 1, c]
        memory[0, 1, c] = sos[0, 2] * v - sos[0, 4] * w
        u = sos[1, 0] * w + memory[1, 0, c]
        memory[1, 0, c] = sos[1, 1] * w - sos[1, 3] * u + memory[1, 1, c]
        memory[1, 1, c] = sos[1, 2] * w - sos[1, 4] * u
        out[c] = u
