"""Steps as the gait detector tells them, without a body: contacts at chosen times, frames that only have a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from imu.config import SensorSetup, Setup
from imu.conventions import ANGLES, SIDES, Side
from imu.feedback import CadenceDrill, CadenceSession, DrillOutputs, drill_text, load_drill
from imu.outputs import Event, FrameBlock

PERIOD_US = 10_000
LATE_US = 55_000
"""From a contact to the frame in which it is certain, at least."""


def walk_drill(**changes: object) -> CadenceDrill:
    """The library's drill with some of its values changed, by key."""
    lines = []
    for line in drill_text("walk_cadence").splitlines():
        key = line.partition("=")[0].strip()
        if key in changes:
            value = changes.pop(key)
            line = f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {str(value).lower()}"
        lines.append(line)
    assert not changes, f"no such keys: {changes}"
    drill = load_drill("\n".join(lines), "walk_cadence.toml")
    assert isinstance(drill, CadenceDrill)
    return drill


def worn(segments: Sequence[str] = ("shank_left", "shank_right")) -> Setup:
    return Setup(tuple(SensorSetup(str(i), segment, 100.0, "samples") for i, segment in enumerate(segments)))


def frames_until(t_us: int, start_us: int = 0) -> FrameBlock:
    """Frames from `start_us` on, nothing known in them."""
    t = np.arange(start_us, t_us, PERIOD_US, dtype=np.int64)
    nothing = np.full((len(t), len(ANGLES)), np.nan)
    return FrameBlock(t, np.full((len(t), 2, 4), np.nan), nothing, nothing, np.zeros(nothing.shape, np.uint16))


@dataclass
class Walker:
    """Somebody who steps left, right, left ... when told to."""

    t_us: int = 2_000_000
    side: int = 0
    events: list[Event] = field(default_factory=list)

    def steps(self, n: int, per_minute: float, limp: float = 0.0, noise: float = 0.0, seed: int = 0) -> Walker:
        """n steps; limp: share by which left ones are longer and right ones shorter; noise: share of a step, 1σ."""
        rng = np.random.default_rng(seed)
        for _ in range(n):
            step_us = 60e6 / per_minute * (1.0 + (limp if self.side == 0 else -limp) + noise * float(rng.normal()))
            self.t_us += round(step_us)
            self.happens("initial_contact", SIDES[self.side])
            self.side = 1 - self.side
        return self

    def misses(self) -> Walker:
        """The newest step was not detected."""
        self.events.pop()
        return self

    def stands(self, seconds: float) -> Walker:
        self.t_us += round(seconds * 1e6)
        return self

    def happens(self, kind: str, side: Side) -> Walker:
        emitted = self.t_us + (LATE_US if kind == "initial_contact" else 0)
        self.events.append(Event(kind, self.t_us, -(-emitted // PERIOD_US) * PERIOD_US, side))
        return self

    @property
    def frames(self) -> FrameBlock:
        return frames_until(self.t_us + 1_000_000)


def blocks(frames: FrameBlock, chunk: int) -> Iterator[FrameBlock]:
    for start in range(0, len(frames), chunk):
        yield frames.part(start, min(start + chunk, len(frames)))


def push(session: CadenceSession, frames: FrameBlock, events: Sequence[Event], first_ready: int | None = 0) -> DrillOutputs:
    """Frames with the events that were decided in them."""
    first, last = int(frames.t_us[0]), int(frames.t_us[-1])
    return session.push(frames, first_ready, [e for e in events if first <= e.t_emitted_us <= last])


def together(parts: Sequence[DrillOutputs]) -> DrillOutputs:
    return DrillOutputs(sum((p.events for p in parts), ()), (), sum((p.cues for p in parts), ()))


def run(
    walker: Walker, drill: CadenceDrill | None = None, setup: Setup | None = None, chunk: int = 1 << 20
) -> DrillOutputs:
    """A whole walk, to its end."""
    session = CadenceSession(drill or walk_drill(), setup or worn())
    return together([*(push(session, b, walker.events) for b in blocks(walker.frames, chunk)), session.finish()])
