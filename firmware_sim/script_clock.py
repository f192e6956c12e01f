"""When the scripted motion begins: once for all sensors of a person."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

LEAD_S: Final = 0.5
"""Between the last START and script time 0."""
WAIT_S: Final = 5.0
"""The script begins without the missing sensors this long after the first START."""


class ScriptClock:
    """True time of script time 0, once it is known.

    Parameters
    ----------
    expected : frozenset of str
        Sensors that must stream before the person moves.
    loop_zero_s : float
        The event loop's time at true time 0.
    on_begin : callable, optional
        Called when `start_s` has become known.
    """

    def __init__(
        self, expected: frozenset[str], loop_zero_s: float, on_begin: Callable[[], None] | None = None
    ) -> None:
        self._on_begin = on_begin
        self._missing = set(expected)
        self._zero_s = loop_zero_s
        self._timer: asyncio.TimerHandle | None = None
        self.start_s: float | None = None
        """True time, s; None while the person waits, standing."""

    def started(self, sensor: str) -> None:
        """A sensor has been told to stream."""
        if self.start_s is not None:
            return
        self._missing.discard(sensor)
        if not self._missing:
            self._begin()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WAIT_S, self._begin)

    def _begin(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.start_s is None:
            self.start_s = asyncio.get_running_loop().time() - self._zero_s + LEAD_S
            if self._on_begin is not None:
                self._on_begin()
