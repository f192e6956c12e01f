"""Cues as sound. Importing it needs no sound library; opening a device does."""

from imu.feedback.audio.output import AudioOut, Onset, open_audio, silent_audio
from imu.feedback.audio.pacing import Pacing

__all__ = ["AudioOut", "Onset", "Pacing", "open_audio", "silent_audio"]
