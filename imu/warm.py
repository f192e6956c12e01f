"""Compile every kernel once: run at set-up, and before connecting. `python -m imu.warm`."""

from __future__ import annotations

from imu import feedback, fusion, kinematics


def warm_up() -> None:
    """Load the compiled kernels, compiling those that are not in the cache (about 50 s cold, 1 s warm)."""
    fusion.warm_up()
    kinematics.warm_up()
    feedback.warm_up()


if __name__ == "__main__":
    warm_up()
