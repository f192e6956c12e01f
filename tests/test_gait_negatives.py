"""What is not walking makes no stride, and hardly an event, whatever is worn."""

from __future__ import annotations

import numpy as np
import pytest
from gait_motions import block, kicking, pedalling, standing, swinging, time
from gait_walks import FEET, LEGS, SHANKS, grid_of
from simulated_activity import perform_activity

from firmware_sim.activities import SingleLegSquats, SitToStands, Squats, Stand
from imu.fusion.grid import GridBlock
from imu.kinematics.gait import GaitDetector, strides_of

T = time(30.0)
PARTS = (("foot",), ("shank",), ("shank", "thigh"))
RIDES = {
    **{
        f"pedalling {rpm}": {"left": pedalling(T, rpm, 0.0), "right": pedalling(T, rpm, np.pi)}
        for rpm in (40, 60, 75, 90, 110)
    },
    **{f"one leg pedalling {rpm}": {"left": pedalling(T, rpm, 0.0)} for rpm in (50, 70, 90)},
    **{
        f"leg swings {pm} a minute, {deg}°": {"left": swinging(T, pm, deg), "right": standing(T, 1)}
        for pm in (20, 35, 50, 65) for deg in (15.0, 30.0, 45.0)
    },
    **{f"one leg worn, swings {pm} a minute": {"left": swinging(T, pm, 35.0)} for pm in (25, 45, 60)},
    "standing": {"left": standing(T, 0), "right": standing(T, 1)},
    **{f"knee extensions of {s} s": {"left": kicking(T, s, 80.0), "right": standing(T, 2)} for s in (2.0, 3.0, 5.0)},
}  # fmt: skip


def found(names, grid, rate_hz=100.0):
    events = GaitDetector(names, rate_hz).push(grid)
    return [e for e in events if e.kind in ("initial_contact", "foot_off")]


@pytest.mark.parametrize("parts", PARTS, ids="+".join)
@pytest.mark.parametrize("motion", RIDES)
def test_no_stride_and_at_most_one_step(motion, parts):
    for seed in range(2):
        events = found(*block(T, RIDES[motion], parts, seed))
        assert strides_of(events) == ()
        assert len(events) <= 2


def test_pedalling_with_known_axes_makes_no_stride():
    """As after a calibration: the axis and its sign are told."""
    for rpm in (50, 80, 100):
        for parts in PARTS:
            legs = {"left": pedalling(T, rpm, 0.0), "right": pedalling(T, rpm, np.pi)}
            names, grid = block(T, legs, parts, 3)
            detector = GaitDetector(names, 100.0)
            for axis, columns in ((detector._axes, parts[0]), (detector._thighs, "thigh")):
                for j, side in enumerate(detector.sides):
                    if f"{columns}_{side}" in names:
                        w = grid.gyr[:, names.index(f"{columns}_{side}")]
                        forward = np.linalg.svd(w, full_matrices=False)[2][0]
                        true = np.gradient(legs[side][{"thigh": 0, "shank": 1, "foot": 2}[columns]])
                        axis[j]["told"], axis[j]["known"], axis[j]["sign"] = 1, 1, 1.0
                        axis[j]["axis"] = forward * np.sign((w @ forward) @ true)
            events = [e for e in detector.push(grid) if e.kind in ("initial_contact", "foot_off")]
            assert [s for s in strides_of(events) if s.counts] == []
            assert len(events) <= 4


@pytest.fixture(scope="module", params=[21, 22, 23])
def session(request):
    plan = (Stand(4.0), Squats(4), SitToStands(3), SingleLegSquats(2), Stand(3.0))
    performed = perform_activity(request.param, plan, segments=(*FEET, *LEGS), loss=0.02)
    return performed, grid_of(performed.recording)


@pytest.mark.parametrize("worn", [FEET, SHANKS, LEGS])
def test_squats_sitting_down_and_standing_on_one_leg_make_no_stride(session, worn):
    _, grid = session
    names = (*FEET, *LEGS)
    i = [names.index(s) for s in worn]
    part = GridBlock(grid.t_us, *(np.ascontiguousarray(a[:, i]) for a in (grid.q, grid.gyr, grid.acc, grid.flags)))
    assert strides_of(found(worn, part)) == ()
