"""All sensors of one person."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from imu.ble.adapter import Adapter, make_adapter
from imu.ble.discovery import FoundSensor, nothing_found, search
from imu.ble.link import Deliver, LinkReport, Report, SensorLink
from imu.config import SensorSetup
from imu.conventions import SLOT_OF_SEGMENT
from imu.errors import ConfigError, ImuError, LinkError

logger = logging.getLogger(__name__)

CLOSE_S = 3.0


class SensorNetwork:
    """Finds the sensors that are assigned to a segment, connects and streams them.

    Parameters
    ----------
    backend : str or Adapter
        As in `imu.ble.adapter.make_adapter`, or an adapter that is there already; it is closed with the network.
    search_s : float
        Longest time to search.
    expected : int
        Stop searching early when so many sensors are found; 0 = search the whole time.
    """

    def __init__(self, backend: str | Adapter, search_s: float = 10.0, expected: int = 0) -> None:
        self.backend = backend
        self.found: tuple[FoundSensor, ...] = ()
        """What was heard, assigned or not."""
        self.notes: tuple[str, ...] = ()
        """For people: what is missing."""
        self._search_s = search_s
        self._expected = expected
        self._adapter: Adapter | None = None
        self._links: list[SensorLink] = []

    async def open(self) -> list[SensorSetup]:
        """Find and connect; who is there, from the pelvis down. Sensors that are missing are named in `notes`.

        Raises
        ------
        LinkError
            Bluetooth cannot be used, no sensor was found, or none can be connected.
        ConfigError
            Two sensors claim one segment.
        """
        self._adapter = adapter = make_adapter(self.backend) if isinstance(self.backend, str) else self.backend
        self.found = tuple(await search(adapter, self._search_s, self._expected))
        if not self.found:
            raise LinkError(nothing_found(self._search_s))
        notes = [f"sensor {s.serial} is not assigned to a segment" for s in self.found if s.segment is None]
        worn = sorted(
            (s for s in self.found if s.segment is not None), key=lambda s: SLOT_OF_SEGMENT[s.segment or ""]
        )
        if not worn:
            raise LinkError(f"{'; '.join(notes)}; assign each sensor to a segment first")
        _check_claims(worn)
        links = [SensorLink(adapter, s) for s in worn]
        self._links = links
        results = await asyncio.gather(*(link.open() for link in links), return_exceptions=True)
        setups: list[SensorSetup] = []
        failures: list[ImuError] = []
        for link, result in zip(links, results, strict=True):
            if isinstance(result, SensorSetup):
                setups.append(result)
            elif isinstance(result, ImuError):
                failures.append(result)
                self._links = [other for other in self._links if other is not link]
                await link.close()
            else:
                raise result
        if not setups:
            raise failures[0]
        notes += [str(e) for e in failures]
        if len(setups) < self._expected:
            notes.append(f"{len(setups)} of {self._expected} sensors are here")
        self.notes = tuple(notes)
        for note in notes:
            logger.warning("%s", note)
        return setups

    async def start(self, deliver: Deliver, report: Report) -> None:
        """Stream until `close`; both are called in the event loop and must not block. `deliver` gets every notification
        as received, `report` every change of a link, first of all what is missing."""
        for note in self.notes:
            report(LinkReport("", "searching", note=note))
        for link in self._links:
            link.start(deliver, report)

    async def close(self) -> None:
        """End all links and give Bluetooth back; at most `CLOSE_S`, whatever the sensors do."""
        links, self._links = self._links, []
        adapter, self._adapter = self._adapter, None
        if links:
            await _at_most(CLOSE_S * 2 / 3, *(link.close() for link in links))
        if adapter is not None:
            await _at_most(CLOSE_S / 3, adapter.close())


def _check_claims(worn: list[FoundSensor]) -> None:
    claims: dict[str, list[str]] = {}
    for s in worn:
        claims.setdefault(s.segment or "", []).append(s.serial)
    problems = [
        f"sensors {' and '.join(serials)} are both assigned to {segment}; switch one off or assign it anew"
        for segment, serials in claims.items()
        if len(serials) > 1
    ]
    if problems:
        raise ConfigError("; ".join(problems))


async def _at_most(seconds: float, *work: Coroutine[Any, Any, None]) -> None:
    """Run to the end together, or cancel what takes too long."""
    tasks = {asyncio.create_task(w) for w in work}
    _, late = await asyncio.wait(tasks, timeout=seconds)
    for task in late:
        task.cancel()
    if late:
        logger.warning("%d connections did not end within %.0f s", len(late), seconds)
        await asyncio.wait(late, timeout=0.5)
    for task in tasks - late:
        if task.exception() is not None:
            logger.error("while closing", exc_info=task.exception())
