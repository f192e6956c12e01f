"""Results as tables for other programs."""

from imu.recording.exporters.tables import write_tables

__all__ = ["write_tables"]
