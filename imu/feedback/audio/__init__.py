"""Cues as sound. Importing it needs no sound library; opening a device does."""

from imu.feedback.audio.output import AudioOut, Onset, open_audio, silent_audio
from imu.feedback.audio.speech import drill_sentences

__all__ = ["AudioOut", "Onset", "drill_sentences", "open_audio", "silent_audio"]
