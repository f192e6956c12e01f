"""What a set has noted of each machine's repetition: its number in the set, its faults, what could not be told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from imu.conventions import Side
from imu.feedback.lane import Notes


class Notebook:
    """Of one set; `lane`: number of the machine.

    Parameters
    ----------
    lanes : int
        How many machines there are.
    """

    def __init__(self, lanes: int) -> None:
        self.done = 0
        """Repetitions that have got a number."""
        self._notes = [Notes() for _ in range(lanes)]

    def __getitem__(self, lane: int) -> Notes:
        return self._notes[lane]

    @property
    def notes(self) -> tuple[Notes, ...]:
        """Of all machines, to be saved."""
        return tuple(self._notes)

    def restore(self, notes: tuple[Notes, ...], done: int) -> None:
        self._notes, self.done = list(notes), done

    def begin(self, lane: int) -> None:
        """A new repetition: nothing is known of it yet."""
        self._notes[lane] = replace(self._notes[lane], faults=(), unknown=())

    def number(self, lane: int, r: np.void) -> int:
        """Number in the set of the repetition that a report is about; one that is not counted yet will be the next."""
        notes = self._notes[lane]
        return notes.number if r["number"] == notes.counted else self.done + 1

    def finish(self, lane: int, counted: int) -> int:
        """The machine has finished its repetition `counted`: it gets its number in the set."""
        self.done += 1
        self._notes[lane] = replace(self._notes[lane], counted=counted, number=self.done)
        return self.done

    def add_fault(self, lane: int, name: str, side: Side | None = None) -> None:
        """Once each, in the order of their names."""
        notes, label = self._notes[lane], name if side is None else f"{name}_{side}"
        if label not in notes.faults:
            self._notes[lane] = replace(notes, faults=tuple(sorted((*notes.faults, label))))

    def add_unknown(self, lane: int, side: Side) -> None:
        """The alignment of this knee could not be told."""
        notes = self._notes[lane]
        self._notes[lane] = replace(notes, unknown=(*notes.unknown, side))
