"""Walking: footprints along a line with turns, and when each foot strikes and leaves."""

from __future__ import annotations

from math import hypot, pi

import numpy as np

from firmware_sim.activities.faults import opposite
from firmware_sim.activities.gait import DOUBLE
from firmware_sim.activities.pieces import Walk
from firmware_sim.activities.timeline import Contact, Footprint, Repetition, Timeline
from imu.conventions import Side

SHIFT_S = 0.5
"""From both feet onto one before the first step, and from one to both after the last."""
TURN_STEPS = 5
TURN_STEP = 0.45
"""of a step: how far feet go while turning."""
LEAVING, LEFT, LANDING, RESTS = 0.06, 0.06, 0.07, 0.02
"""of a stride: so long before the foot leaves the leg begins to lift it; so long after that it hangs freely; so long it
takes to lead it to its footprint, and longer after a short step; so long after the strike it is at rest."""
FIRST_STEP, SLOWING_STEP, LAST_STEP = 0.75, 0.85, 0.6
"""of a step."""


def walk(line: Timeline, piece: Walk) -> None:
    """From a stand to a stand."""
    gait, start = line.gait, line.now
    step_s, double_s = 0.5 * gait.stride_s, DOUBLE * gait.stride_s
    swing_s = step_s - double_s
    steps = max(4, int((piece.seconds - 2.0 * SHIFT_S) / step_s))
    sides: list[Side] = [piece.first if i % 2 == 0 else opposite(piece.first) for i in range(steps)]
    prints = _footprints(line, piece, sides)
    first_off = start + SHIFT_S
    strikes = [first_off + swing_s + i * step_s for i in range(steps)]
    line.move("share", start, first_off, -0.5 if piece.first == "left" else 0.5)
    line.move("walk", start + 0.5 * SHIFT_S, strikes[0] + 0.5 * double_s, 1.0)
    line.walks.append((strikes[0], piece.first))
    line.move("tilt", first_off, strikes[1], line.posture["tilt"] + line.habits.walk_tilt)
    ratios = _ratios(line, sides, prints)
    last_of: dict[Side, int | None] = {"left": None, "right": None}
    for i, (side, strike) in enumerate(zip(sides, strikes, strict=True)):
        off = strike - swing_s
        before = last_of[side]
        line.contacts.append(
            Contact(
                side,
                None if before is None else strikes[before],
                off,
                0.0 if before is None else ratios[before],
                ratios[i],
            )
        )
        rest = strike + RESTS * gait.stride_s
        line.put_down(side, off, rest, prints[i])
        line.move(f"lift_{side}", off - LEAVING * gait.stride_s, off + LEFT * gait.stride_s, 1.0)
        line.move(f"lift_{side}", rest - (LANDING + 0.25 * (1.0 - ratios[i])) * gait.stride_s, rest, 0.0)
        if i < steps - 1:
            line.move("share", strike, strike + double_s, 0.5 if side == "left" else -0.5)
        line.strikes.append((side, strike, line.habits.strike * ratios[i]))
        line.repetitions.append(Repetition(side, off, strike, strike + step_s))
        last_of[side] = i
    for side in (piece.first, opposite(piece.first)):
        i = last_of[side]
        if i is not None:
            line.contacts.append(Contact(side, strikes[i], None, ratios[i], 0.0))
    end = strikes[-1] + SHIFT_S
    line.move("walk", strikes[-1] - 0.8 * swing_s, strikes[-1] + 0.6 * SHIFT_S, 0.0)
    line.new_posture()
    line.stand_up_to(strikes[-1], end + 0.2)
    left, right = line.footprint("left"), line.footprint("right")
    line.home = Footprint(0.5 * (left.x + right.x), 0.5 * (left.y + right.y), 0.5 * (left.heading + right.heading))
    line.done(piece, start, end + 0.4)


def _footprints(line: Timeline, piece: Walk, sides: list[Side]) -> list[Footprint]:
    """Where each step ends: straight on, about at every `straight_m`, and side by side at last."""
    step, width = 0.5 * line.gait.stride, line.habits.step_width
    middle, gone, turning = line.home, 0.0, 0
    sense = 1.0 if piece.turn_first == "left" else -1.0
    prints: list[Footprint] = []
    straight = piece.straight_m * line.varied(1.0, 0.1)
    for i, side in enumerate(sides):
        left = 1.0 if side == "left" else -1.0
        remaining = len(sides) - i
        if turning == 0 and gone > straight and remaining > TURN_STEPS + 4:
            turning, gone, straight = TURN_STEPS, 0.0, piece.straight_m * line.varied(1.0, 0.1)
        if remaining == 1:
            # beside the other foot
            place = middle.beside(0.0, 0.5 * left * line.person.stance_width)
            before = middle.beside(0.0, -0.5 * left * line.person.stance_width)
            prints.append(_jittered(line, place, 0.015))
            if i > 0:
                assert hypot(prints[-2].x - before.x, prints[-2].y - before.y) < 0.1
            break
        length = step * line.varied(1.0, 0.03)
        about_to_turn = turning == 0 and gone + 2.0 * step > straight and remaining > TURN_STEPS + 6
        if i == 0:
            length *= FIRST_STEP
        elif remaining == 2:
            length *= LAST_STEP
        elif remaining == 3 or about_to_turn:
            length *= SLOWING_STEP
        if turning:
            turn = sense * pi / TURN_STEPS * line.varied(1.0, 0.08)
            half = middle.beside(0.0, 0.0, 0.5 * turn).beside(TURN_STEP * length, 0.0)
            middle = Footprint(half.x, half.y, half.heading + 0.5 * turn)
            turning -= 1
            if turning == 0:
                sense = -sense
        else:
            gone += length
            # nobody walks quite straight
            middle = middle.beside(length, 0.0, float(line.rng.normal(0.0, 0.01)))
        apart = line.person.stance_width if remaining == 2 else width
        prints.append(_jittered(line, middle.beside(0.0, 0.5 * left * apart), 0.01))
    return prints


def _jittered(line: Timeline, place: Footprint, spread: float) -> Footprint:
    forward, leftward, turn = line.rng.normal(0.0, 1.0, 3)
    return place.beside(spread * float(forward), 0.8 * spread * float(leftward), np.radians(2.0) * float(turn))


def _ratios(line: Timeline, sides: list[Side], prints: list[Footprint]) -> list[float]:
    """Length of each swing as a share of a stride, at most 1."""
    stride = line.gait.stride
    at: dict[Side, Footprint] = {"left": line.footprint("left"), "right": line.footprint("right")}
    ratios = []
    for side, place in zip(sides, prints, strict=True):
        ratios.append(min(1.0, hypot(place.x - at[side].x, place.y - at[side].y) / stride))
        at[side] = place
    return ratios
