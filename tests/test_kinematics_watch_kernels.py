"""The watch's kernels against their plain twin, on a person with holes in the data."""

from __future__ import annotations

import numpy as np
from reference.watch_twin import Limb, Twin
from watch_people import person, watched

from firmware_sim.activities import March, Squats, Stand, StepDowns
from imu.kinematics.watch import scan
from imu.kinematics.watch.layout import COMMON, CYCLE, CYCLES, END, LEG, LIMB, PAIRING, PHASE, REST
from imu.kinematics.watch.watch import LEG_LABELS, group_of
from imu.packets import Quality

DT = 0.01


def decisions(grid, names, mounts):
    """[(row, name, values)] by the kernels, named and ordered as by the twin."""
    limbs, legs = np.zeros(len(names), LIMB), np.zeros(4, LEG)
    limbs["known"], limbs["q"], limbs["group"] = 1, mounts, [group_of(n) for n in names]
    for leg, (thigh, shank) in zip(legs, LEG_LABELS, strict=True):
        leg["thigh"], leg["shank"] = names.index(f"thigh_{thigh}"), names.index(f"shank_{shank}")
    pairings, cycles, common = np.zeros(2, PAIRING), np.zeros(2, CYCLES), np.zeros(1, COMMON)
    pairings["stance"] = pairings["ended"] = -1
    found, row = [], 0
    while row < len(grid):
        row, why = scan.run(
            row, len(grid), grid.t_us, grid.q, grid.gyr, grid.acc, grid.flags, DT, limbs, legs, pairings, cycles, common
        )
        if why == END:
            continue
        for n in range(2):
            if why & PHASE[n]:
                d = pairings[n]["done"]
                values = np.stack([d["weight"], d["lean"], d["rise"], np.full(2, d["busy"])], axis=1)
                found.append((row, f"phase {n}", np.r_[pairings[n]["ended"], values.ravel()]))
        for n in range(2):
            if why & CYCLE[n]:
                d = cycles[n]["done"]
                own = [d["own"][x][m] for x in range(2) for m in ("zz", "xz", "yz")]
                found.append((row, f"cycle {n}", np.r_[own, d["face"], d["upright"], d["turned"], d["hidden"]]))
        for n in range(3):
            if why & REST[n]:
                group = limbs[limbs["group"] == n]
                looks = [np.r_[s["rest_up"], s["rest_face"], s["rest_turned"]] for s in group]
                found.append((row, f"rest {n}", np.concatenate(looks)))
        if why & 128:
            c = common[0]
            values = [c[k] for k in ("block_both", "block_thighs", "block_shanks", "block_back")]
            found.append((row, "block", np.array(values)))
    return found


def test_kernels_agree_with_the_twin():
    session = person(3, (Stand(4.0), March(), Stand(3.0), Squats(1), Stand(1.0), StepDowns(1), Stand(1.0)))
    calibration = watched(session.setup, session.grid).calibration
    mounts = [c.q_sensor_segment for c in calibration.segments]
    names = [s.segment for s in session.setup.sensors]
    grid = session.grid
    assert (grid.flags & int(Quality.GAP)).any()
    gone = slice(900, 925)
    grid.q[gone, 1] = np.nan
    grid.flags[gone, 1] |= int(Quality.STALE)
    limbs = [Limb(q, group_of(n)) for q, n in zip(mounts, names, strict=True)]
    legs = [tuple(limbs[names.index(f"{part}_{side}")] for part in ("thigh", "shank")) for side in ("left", "right")]
    twin = Twin(limbs, tuple(legs), DT)
    wanted = []
    for row in range(len(grid)):
        now = twin.step(grid.q[row], grid.gyr[row], grid.acc[row], grid.flags[row])
        wanted += [(row + 1, *rest) for rest in now]
    found = decisions(grid, names, mounts)
    assert [w[:2] for w in found] == [w[:2] for w in wanted]
    assert {name.split()[0] for _, name, _ in found} == {"phase", "cycle", "rest", "block"}
    for (row, name, got), (_, _, want) in zip(found, wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-9, err_msg=f"{name} at frame {row}")
