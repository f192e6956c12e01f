"""Watches a session for sensors that were exchanged or have slipped, and proposes who is where."""

from imu.kinematics.watch.places import Place, Places, propose
from imu.kinematics.watch.watch import Watch, WatchState

__all__ = ["Place", "Places", "Watch", "WatchState", "propose"]
