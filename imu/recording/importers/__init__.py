"""Vendor files as recordings. A new format is one file here and one line in `registry.IMPORTERS`."""

from imu.recording.importers.registry import IMPORTERS, Importer, import_recording

__all__ = ["IMPORTERS", "Importer", "import_recording"]
