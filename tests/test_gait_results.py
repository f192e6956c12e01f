"""A walk through the whole pipeline: strides, their summary and tables, and walking that is none."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from simulated_activity import perform_activity

import imu
from firmware_sim.activities import March, Squats, Stand, Walk
from imu.config import SensorSetup, Setup
from imu.errors import ConfigError
from imu.recording.exporters.tables import write_tables
from imu.summary import summary_lines

PLAN = (Stand(4.0), March(6), Stand(3.0), Walk(30.0), Stand(3.0))


@pytest.fixture(scope="module")
def walk():
    simulated = perform_activity(411, PLAN, loss=0.01)
    return simulated, imu.process(simulated.recording, height_m=1.75)


def test_steps_of_a_walk_are_found_and_no_others(walk):
    simulated, result = walk
    contacts = [e for e in result.events if e.kind == "initial_contact"]
    strikes = [(c.side, c.strike_s) for c in simulated.body.contacts if c.strike_s]
    true = {side: [s for of, s in strikes if of == side] for side in ("left", "right")}
    for side in ("left", "right"):
        found = np.array([e.t_us * 1e-6 for e in contacts if e.side == side])
        wanted = np.array(true[side])
        nearest = np.abs(wanted[:, None] - found[None, :]).min(axis=1)
        assert np.mean(nearest < 0.1) > 0.85
        assert len(found) <= len(wanted) + 2


def test_the_summary_of_a_walk_is_that_of_the_person(walk):
    simulated, result = walk
    gait = result.gait
    assert gait.counted >= 10
    cadence = gait.mean("cadence").mean
    times = sorted(c.strike_s for c in simulated.body.contacts if c.strike_s)
    assert cadence == pytest.approx(60.0 / np.median(np.diff(times)), rel=0.03)
    assert 0.4 < gait.mean("step_length").mean < 0.95
    assert gait.mean("step_length").caution
    for m in result.strides:
        s = m.stride
        assert s.stance_s + s.swing_s == pytest.approx(s.stride_s, abs=1e-9)
        if not math.isnan(s.step_s):
            assert s.step_s + s.other_step_s == pytest.approx(s.stride_s, abs=1e-9)
    text = "\n".join(summary_lines(result))
    assert "Walking" in text
    assert "~ stance" in text
    assert "  cadence" in text


def test_strides_do_not_depend_on_packets(walk):
    simulated, result = walk
    assert imu.process(simulated.recording, packet_samples=5, height_m=1.75).digest() == result.digest()


def test_strides_are_a_table(walk, tmp_path):
    _, result = walk
    write_tables(result, tmp_path / "out")
    table = pd.read_parquet(tmp_path / "out" / "strides.parquet")
    assert len(table) == len(result.strides)
    assert set(table["side"]) == {"left", "right"}
    known = table["counts"]
    assert table.loc[known, "step_length"].between(0.3, 1.0).mean() > 0.8
    assert (table.loc[known, "knee_swing_peak_deg"] > 30).all()


def test_who_squats_does_not_walk():
    simulated = perform_activity(411, (Stand(4.0), March(6), Stand(3.0), Squats(3), Stand(2.0)))
    result = imu.process(simulated.recording)
    assert not any(m.counts for m in result.strides)
    late = 1e6 * next(p.start_s for p in simulated.body.performed if isinstance(p.piece, Squats))
    assert not any(e.kind == "initial_contact" and e.t_us > late for e in result.events)


def test_a_height_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="body height in metres"):
        Setup((SensorSetup("a", "pelvis", 100.0, "samples"),), height_m=17.5)
