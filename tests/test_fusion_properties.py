"""Whatever is put in: a typed error, a flag, NaN, or the truth. Never a silent wrong orientation."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from faulty_motion import ODD, Sent, Signal, cuts, motions, rubbish, sent
from fusion_streams import SETUP, inclination_error, joined, packet_of, swinging
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from imu.config import FILTERS
from imu.fusion import OrientationFilter, Params, SensorChannel, orientation
from imu.fusion.channel import PoseBlock
from imu.fusion.quaternion import angle_array, conj_array, mul_array
from imu.packets import CLIPPED_GYR, Packet, Quality

FEW = settings(derandomize=True, deadline=None, max_examples=60)
LIMB_RATES = (57.0, 100.0, 285.7)
UNKNOWN = int(Quality.STALE | Quality.SETTLING)
AS_GOOD = int(Quality.FILLED | Quality.SATURATED_ACC)
"""Flags of what is as good as measured: a short hole, or an acceleration that was not believed."""


def known(q: np.ndarray) -> np.ndarray:
    """Which orientations are unit quaternions; all others must be NaN in every number."""
    unit = np.abs(np.linalg.norm(q, axis=-1) - 1.0) < 1e-9
    assert (unit | np.isnan(q).all(axis=-1)).all()
    return unit


@FEW
@given(rubbish(), st.sampled_from(FILTERS))
def test_orientation_is_known_from_the_first_acceleration_on_or_refused(s: Signal, method: str) -> None:
    if not s.usable_gyr.all():
        with pytest.raises(ValueError, match="gyr"):
            orientation(s.gyr, s.acc, s.rate_hz, method=method)
        return
    q = orientation(s.gyr, s.acc, s.rate_hz, method=method)
    assert q.shape == (len(s), 4)
    np.testing.assert_array_equal(known(q), np.cumsum(s.usable_acc) > 0)
    by_time = orientation(s.gyr, s.acc, s.rate_hz, t_us=np.rint(np.arange(len(s)) * 1e6 / s.rate_hz), method=method)
    np.testing.assert_array_equal(by_time, q)


@FEW
@given(rubbish(spoil_gyr=False), st.data())
def test_any_pieces_and_a_saved_state_give_the_same_bits(s: Signal, data: st.DataObject) -> None:
    method = data.draw(st.sampled_from(FILTERS))
    sensors = data.draw(st.integers(1, 9))
    # every sensor gets the rows in its own order
    gyr, acc = (np.stack([np.roll(x, k, axis=0) for k in range(sensors)]) for x in (s.gyr, s.acc))
    alone = np.stack([OrientationFilter(s.rate_hz, method=method).update(g, a) for g, a in zip(gyr, acc, strict=True)])
    filter_ = OrientationFilter(s.rate_hz, sensors, method=method)
    pieces = []
    for a, b in data.draw(cuts(len(s))):
        part = (gyr[0, a:b], acc[0, a:b]) if sensors == 1 else (gyr[:, a:b], acc[:, a:b])
        pieces.append(filter_.update(*part).reshape(sensors, b - a, 4))
        state, filter_ = filter_.state, OrientationFilter(s.rate_hz, sensors, method=method)
        filter_.state = pickle.loads(pickle.dumps(state))
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), alone)


@FEW
@given(motions(40), st.integers(0, 39), st.sampled_from(ODD), st.integers(1, 3))
def test_refused_samples_change_nothing(s: Signal, row: int, value: float, sensors: int) -> None:
    filter_ = OrientationFilter(s.rate_hz, sensors)
    shape = (len(s), 3) if sensors == 1 else (sensors, len(s), 3)
    gyr, acc = np.broadcast_to(s.gyr, shape).copy(), np.broadcast_to(s.acc, shape).copy()
    filter_.update(gyr, acc)
    before = filter_.state
    gyr[..., row : row + 1, :] = value
    try:
        filter_.update(gyr, acc)
    except ValueError:
        np.testing.assert_array_equal(filter_.state, before)
    else:
        assert row >= len(s) or np.linalg.norm(np.full(3, value)) <= np.pi * s.rate_hz


@FEW
@given(motions(20), st.lists(st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-50, 50)), max_size=20), st.booleans())
def test_times_that_do_not_increase_are_refused(s: Signal, t_us: list[int], rate_known: bool) -> None:
    rate = s.rate_hz if rate_known else None
    try:
        q = orientation(s.gyr, s.acc, rate, t_us=np.array(t_us, np.int64))
    except ValueError:
        return
    assert len(t_us) == len(s)
    assert np.all(np.diff(np.array(t_us, object)) > 0)
    assert known(q).all()


@FEW
@given(motions(200, rates=LIMB_RATES), st.integers(0, 1000), st.booleans())
def test_how_the_sensor_sits_on_the_limb_changes_no_motion(s: Signal, seed: int, motion_bias: bool) -> None:
    """The earth's z is the same, its heading another, and constant."""
    mounting, params = Rotation.random(rng=np.random.default_rng(seed)), Params(motion_bias=motion_bias)
    plain = orientation(s.gyr, s.acc, s.rate_hz, params=params)
    if len(s) == 0:
        return
    turned = orientation(mounting.apply(s.gyr), mounting.apply(s.acc), s.rate_hz, params=params)
    q = mul_array(turned, mounting.as_quat(scalar_first=True))
    heading = mul_array(q, conj_array(plain))
    # to 0.1°: what the bias is learnt from in motion is clipped on each axis of the earth, whose heading is arbitrary
    limit = 0.1 if motion_bias else 1e-5
    assert np.degrees(inclination_error(q, plain)).max() < limit
    assert np.degrees(angle_array(heading, heading[0])).max() < limit


@FEW
@given(motions(300, rates=LIMB_RATES))
def test_valid_motion_is_followed(s: Signal) -> None:
    q = orientation(s.gyr, s.acc, s.rate_hz)
    assert known(q).all()
    assert np.degrees(inclination_error(q, s.true)).max(initial=0.0) < 2.0


def pushed(channel: SensorChannel, packet: Packet, pieces: list[tuple[int, int]]) -> PoseBlock:
    """The packet's rows in pieces, the channel saved and restored between them."""
    blocks = [PoseBlock.empty()]
    for a, b in pieces:
        rows = slice(a, b)
        part = Packet(
            packet.sensor, packet.t_host_ns, packet.epoch, packet.t_us[rows], packet.lost[rows], packet.gyr[rows],
            packet.acc[rows], packet.clipped[rows],
        )  # fmt: skip
        blocks.append(channel.push(part))
        state, channel = channel.state(), SensorChannel(SETUP, 0)
        channel.restore(pickle.loads(pickle.dumps(state)))
    return joined(blocks)


@FEW
@given(sent(), st.data())
def test_what_a_channel_does_not_flag_is_true(s: Sent, data: st.DataObject) -> None:
    block = pushed(SensorChannel(SETUP, 0), s.packet, data.draw(cuts(len(s.packet))))
    assert (np.diff(block.t_us) > 0).all()
    assert np.isfinite(block.gyr).all()
    assert (known(block.q) | ((block.flags & UNKNOWN) != 0)).all()
    rows = np.rint(block.t_us / 10_000).astype(int)
    good = (block.flags & ~np.uint16(AS_GOOD)) == 0
    assert np.degrees(inclination_error(block.q[good], s.true[rows[good]])).max(initial=0.0) < 5.0


@FEW
@given(st.integers(0, 20), st.integers(100, 900), st.integers(1, 400), st.floats(0.3, 0.98))
def test_a_gyroscope_at_its_limit_is_flagged_until_right_again(seed: int, first: int, count: int, share: float) -> None:
    """Seen: a limb too fast for its sensor for a second, off by 10°, was believed one second later, still off by 9°."""
    gyr, acc, true = swinging(1500, 100.0, seed=seed)
    part, limit = slice(first, first + count), share * np.abs(gyr).max()
    clipped = np.zeros(1500, np.uint8)
    clipped[part] = np.where((np.abs(gyr[part]) >= limit).any(axis=1), CLIPPED_GYR, 0)
    gyr[part] = np.clip(gyr[part], -limit, limit)
    block = SensorChannel(SETUP, 0).push(packet_of(gyr, acc, clipped=clipped))
    good = (block.flags & ~np.uint16(AS_GOOD)) == 0
    assert np.degrees(inclination_error(block.q[good], true[good])).max(initial=0.0) < 5.0


@FEW
@given(sent(600), st.data())
def test_pieces_and_saved_states_change_no_bit_of_a_channel(s: Sent, data: st.DataObject) -> None:
    whole = SensorChannel(SETUP, 0).push(s.packet)
    block = pushed(SensorChannel(SETUP, 0), s.packet, data.draw(cuts(len(s.packet))))
    for name in ("t_us", "q", "gyr", "acc", "flags"):
        np.testing.assert_array_equal(getattr(block, name), getattr(whole, name), err_msg=name)
