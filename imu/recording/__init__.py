"""Disk to packets and back: recorder, recordings, vendor files, tables."""

from imu.recording.decoders import make_decoder
from imu.recording.mcap_writer import LoggedFact
from imu.recording.reader import load
from imu.recording.recording import Recording
from imu.recording.writer import Recorder

__all__ = ["LoggedFact", "Recorder", "Recording", "load", "make_decoder"]
