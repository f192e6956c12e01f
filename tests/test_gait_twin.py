"""The kernels of gait agree with a plain twin that shares nothing with them but the numbers."""

from __future__ import annotations

import numpy as np
import pytest
from gait_walks import FEET, LEGS, SHANKS, events_of, walk
from reference.gait_twin import run_twin

from imu.conventions import SIDES
from imu.fusion.grid import GridBlock
from imu.packets import Quality


@pytest.fixture(scope="module")
def walked():
    return walk(11, seconds=16.0, loss=0.06)


@pytest.mark.parametrize("worn", [FEET, SHANKS, LEGS])
def test_kernels_and_twin_find_the_same_events(walked, worn):
    grid = walked.columns(worn)
    # a hole, a sensor that comes back, a stretch that was made up
    gyr, flags = grid.gyr.copy(), grid.flags.copy()
    n = len(grid)
    gyr[round(0.7 * n) : round(0.7 * n) + 40, -1] = np.nan
    flags[round(0.8 * n) : round(0.8 * n) + 12, 0] |= int(Quality.FILLED)
    flags[round(0.85 * n) : round(0.85 * n) + 25, 0] |= int(Quality.FILLED)
    grid = GridBlock(grid.t_us, grid.q, gyr, grid.acc, flags)
    part = worn[-1].split("_")[0]
    columns = {side: worn.index(f"{part}_{side}") for side in SIDES}
    thighs = {side: worn.index(f"thigh_{side}") for side in SIDES} if worn is LEGS else {}
    filled = (flags & int(Quality.FILLED)) != 0
    plain = run_twin(dict.fromkeys(SIDES, part), grid.t_us, gyr, grid.acc, filled, columns, thighs)
    found = events_of(worn, grid)
    assert [(e.kind, e.side, e.method) for e in found if e.kind != "gait_interrupted"] == [
        (kind, side, method) for kind, side, _, _, _, method in plain if kind != "gait_interrupted"
    ]
    assert len(found) > 60
    assert {"gait_interrupted"} < {e.kind for e in found}
    for one, (kind, _, t_us, emitted, confidence, _) in zip(found, plain, strict=True):
        assert one.kind == kind
        assert abs(one.t_us - t_us) <= 2
        assert one.t_emitted_us == emitted
        assert one.confidence == pytest.approx(confidence, abs=0.006)
