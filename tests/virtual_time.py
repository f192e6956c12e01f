"""An event loop whose clock jumps to the next timer instead of waiting: minutes of radio in a blink, and exact times."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0.0)
        if not ready and timeout is None:
            raise RuntimeError("everything waits and nothing is due: the test would hang")
        if not ready and timeout:
            self.now_s += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """For code that only waits on timers; real sockets would be starved of time."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s


def arrive_in_its_time(patch: pytest.MonkeyPatch, loop: asyncio.AbstractEventLoop) -> None:
    """The host's clock of the Bluetooth client is that of the virtual radio."""
    for module in ("connection", "link"):
        patch.setattr(f"imu.ble.{module}.perf_counter_ns", lambda: round(loop.time() * 1e9))


def run(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
