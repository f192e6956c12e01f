"""Waiting for bumble, so that every end of the wait is an error of bleak's or the caller's own cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from bleak.exc import BleakError
from bumble import core

T = TypeVar("T")


async def apart(work: Coroutine[Any, Any, T], limit_s: float | None = None) -> T:
    """Do something of bumble's in a task of its own, with bumble's errors as bleak's.

    `asyncio.wait_for` of Python 3.11, which bumble uses, swallows a cancellation that comes together with the result:
    awaited directly, a time-out or a close could be lost and the caller would wait for ever.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=limit_s)
        if not task.done():
            raise BleakError(f"the Bluetooth adapter does not answer within {limit_s} s")
        return result_of(task)
    finally:
        drop(task)


def result_of(task: asyncio.Future[T]) -> T:
    """Of a task of bumble's that is done."""
    if task.cancelled():  # what waits when the transport dies is ended by a cancellation
        raise BleakError("the Bluetooth adapter is gone")
    try:
        return task.result()
    except core.BaseBumbleError as e:
        raise BleakError(f"the Bluetooth adapter refuses: {e}") from e


def drop(task: asyncio.Future[Any]) -> None:
    """Nobody waits for it any more; its result, if it has one, has been looked at or does not matter."""
    if not task.done():
        task.cancel()
    task.add_done_callback(lambda t: t.cancelled() or t.exception())
