"""Cues as sound. Importing it needs no sound library; opening a device does."""

from imu.feedback.audio.output import AudioOut, Onset, open_audio, silent_audio

__all__ = ["AudioOut", "Onset", "open_audio", "silent_audio"]
