"""Strides for people who watch: curves and table follow the pipeline, whatever the packets were; a recorded walk."""

from __future__ import annotations

from functools import cache
from math import degrees, isnan, nan
from pathlib import Path

import numpy as np
import pytest

from imu import load, process
from imu.conventions import angle_column
from imu.kinematics.gait import SHARES, Stride, mean_curve, norm_curve, stride_curve
from imu.live_gait import SHOWN, LiveGait
from imu.outputs import FrameBlock
from imu.pipeline import Pipeline
from imu.recording import Recording
from imu.snapshot import GaitView

RECORDED = Path(__file__).parent.parent / "recordings" / "full_body_legs.mcap"


@cache
def recorded() -> Recording:
    return load(RECORDED)


@cache
def watched(height_m: float, samples: int | None = None) -> GaitView:
    recording = recorded()
    pipeline = Pipeline(recording.setup.with_(height_m=height_m))
    gait = LiveGait(pipeline)
    for packet in recording.packets(samples):
        gait.push(pipeline.push(packet).frames)
    return gait.view


def frames(angle: np.ndarray, name: str = "knee_flexion") -> FrameBlock:
    n = len(angle)
    empty = FrameBlock.empty(1)
    values = np.zeros((n, empty.angle.shape[1]))
    values[:, angle_column(name, "left")] = angle
    return FrameBlock(
        np.arange(n) * 10_000, np.zeros((n, 1, 4)), values, np.zeros_like(values), np.zeros_like(values).astype(np.uint16)
    )


def stride(start_us: int, end_us: int) -> Stride:
    return Stride("left", start_us, (start_us + end_us) // 2, end_us, end_us, None, None, 0.9)


def test_a_curve_is_the_angle_from_contact_to_contact():
    t = np.arange(200) * 0.01
    curve = stride_curve(frames(np.sin(t)), stride(203_000, 1_307_000), "knee_flexion", "left")
    np.testing.assert_allclose(curve, np.sin(0.203 + SHARES * 1.104), atol=2e-5)


@pytest.mark.parametrize(("missing", "known"), [(slice(50, 53), True), (slice(50, 60), False)])
def test_a_short_hole_is_bridged_and_a_long_one_makes_it_unknown(missing: slice, known: bool):
    angle = np.linspace(0.0, 1.0, 200)
    angle[missing] = nan
    curve = stride_curve(frames(angle), stride(203_000, 1_307_000), "knee_flexion", "left")
    assert np.isfinite(curve).all() == known
    assert known or np.isnan(curve).all()


def test_a_stride_outside_the_frames_has_no_curve():
    angle = np.linspace(0.0, 1.0, 100)
    for start, end in ((-100_000, 500_000), (500_000, 1_000_001)):
        assert np.isnan(stride_curve(frames(angle), stride(start, end), "knee_flexion", "left")).all()
    assert np.isnan(stride_curve(FrameBlock.empty(1), stride(0, 500_000), "knee_flexion", "left")).all()


def test_the_mean_leaves_out_what_is_unknown():
    one, other = np.full(len(SHARES), 1.0), np.full(len(SHARES), 3.0)
    unknown = np.full(len(SHARES), nan)
    mean, sd = mean_curve([one, unknown, other])
    np.testing.assert_array_equal(mean, 2.0)
    np.testing.assert_allclose(sd, np.sqrt(2.0))
    assert np.isnan(mean_curve([one])[1]).all()
    assert np.isnan(mean_curve([unknown])[0]).all()


def test_a_recorded_walk_is_followed():
    view, result = watched(1.75), process(recorded(), height_m=1.75)
    assert result.gait is not None
    # three strides long before it are another walk
    assert view.strides == sum(m.stride.t_start_us > 20_000_000 for m in result.strides) == len(result.strides) - 3
    rows = {r.name: r for r in view.rows}
    assert float(rows["cadence"].both) == pytest.approx(result.gait.mean("cadence").mean, abs=3.0)
    assert rows["stance"].caution
    assert not rows["stride"].caution
    for side in ("left", "right"):
        knee = next(c for c in view.curves if c.angle == "knee_flexion" and c.side == side)
        assert knee.strides <= SHOWN
        assert degrees(max(knee.mean)) == pytest.approx(degrees(result.gait.mean("knee_swing_peak", side).mean), abs=3.0)
        # the swing's peak lies behind foot off
        assert SHARES[int(np.argmax(knee.mean))] > knee.stance_share
        pelvis = next(c for c in view.curves if c.angle == "pelvis_obliquity" and c.side == side)
        # the own side goes up when the leg is loaded, and is lower in its swing
        assert np.mean(pelvis.mean[10:30]) > np.mean(pelvis.mean[65:85])


@pytest.mark.parametrize("samples", [1, 50])
def test_packets_do_not_matter(samples: int):
    one, other = watched(1.75), watched(1.75, samples)
    assert one.rows == other.rows
    assert one.curves == other.curves


def test_normal_adults_are_chosen_by_speed():
    """This person walks at 1.7 m/s by a height of 1.75 m; nobody is so small that it were 0.6, but then there is none."""
    norms = {n.angle: n for n in watched(1.75).norms}
    assert degrees(max(norms["knee_flexion"].mean)) == pytest.approx(60.4, abs=0.3)
    assert norms["knee_flexion"].caution == ""
    unknown = watched(0.0)
    assert "slower people bend less" in unknown.norms[0].caution
    assert all(r.name not in ("speed", "step length") for r in unknown.rows)
    slow = watched(0.6)
    assert slow.norms == ()
    assert "No curve of normal adults for 0.6 m/s" in slow.note


def test_a_hip_is_compared_without_the_tilt_of_standing():
    norm = norm_curve("hip_flexion")
    assert norm is not None
    assert degrees(norm.standing) == pytest.approx(12.0)
    hip = next(n for n in watched(1.75).norms if n.angle == "hip_flexion")
    assert degrees(max(hip.mean)) == pytest.approx(37.5 - 12.0, abs=0.3)
    assert isnan(hip.sd)


def test_without_strides_there_is_nothing():
    pipeline = Pipeline(recorded().setup)
    gait = LiveGait(pipeline)
    before = gait.view
    for packet in recorded().first(5.0).packets():
        gait.push(pipeline.push(packet).frames)
    assert gait.view is before
    assert gait.view == GaitView()
