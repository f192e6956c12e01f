"""The one tree of errors. Every message says what happened, where, and what the user can do."""


class ImuError(Exception):
    """Base of all errors this package raises on purpose; the CLI prints it as one line and exits with 2."""


class ProtocolError(ImuError):
    """Bytes from a sensor do not follow its protocol."""


class LinkError(ImuError):
    """A sensor or the Bluetooth adapter cannot be reached or has gone."""


class ConfigError(ImuError):
    """A drill, a setup or an argument is wrong; all problems of one file are reported together."""


class RecordingError(ImuError):
    """A recording or vendor file is missing, damaged, of an unknown format, or would be overwritten."""


class CalibrationError(ImuError):
    """A calibration step was asked for explicitly and the data do not allow it."""


class AudioError(ImuError):
    """No usable audio output; cues stay visual."""
