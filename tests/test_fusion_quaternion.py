"""Quaternion functions against scipy, kernels against their array forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from imu.fusion import quaternion as quat

RNG = np.random.default_rng(0)
A, B = (Rotation.random(200, rng=np.random.default_rng(k)).as_quat(scalar_first=True) for k in (1, 2))
V = RNG.normal(size=(200, 3))


def scipy_of(q: np.ndarray) -> Rotation:
    return Rotation.from_quat(q, scalar_first=True)


def same_rotation(a: np.ndarray, b: np.ndarray) -> None:
    np.testing.assert_allclose(a * np.sign(np.sum(a * b, axis=-1, keepdims=True)), b, atol=1e-12)


def test_product_rotation_and_inverse_are_those_of_scipy() -> None:
    same_rotation(quat.mul_array(A, B), (scipy_of(A) * scipy_of(B)).as_quat(scalar_first=True))
    np.testing.assert_allclose(quat.rotate_array(A, V), scipy_of(A).apply(V), atol=1e-12)
    np.testing.assert_allclose(quat.rotate_array(quat.conj_array(A), V), scipy_of(A).inv().apply(V), atol=1e-12)
    np.testing.assert_allclose(quat.angle_array(A, B), (scipy_of(A).inv() * scipy_of(B)).magnitude(), atol=1e-12)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_slerp_is_that_of_scipy(share: float) -> None:
    found = quat.slerp_array(A[:50], B[:50], np.full(50, share))
    for a, b, q in zip(A[:50], B[:50], found, strict=True):
        same_rotation(q, Slerp([0, 1], scipy_of(np.stack([a, b])))(share).as_quat(scalar_first=True))


def test_slerp_of_nearly_equal_ends_keeps_its_digits() -> None:
    small = quat.mul_array(A, quat.normalise_array(np.column_stack([np.ones(200), V * 1e-6])))
    half = quat.slerp_array(A, small, np.full(200, 0.5))
    np.testing.assert_allclose(quat.angle_array(A, half), quat.angle_array(A, small) / 2, rtol=1e-6)


def test_kernels_equal_their_array_forms() -> None:
    np.testing.assert_allclose([quat.mul(a, b) for a, b in zip(A, B, strict=True)], quat.mul_array(A, B), atol=1e-15)
    np.testing.assert_allclose([quat.rotate(a, v) for a, v in zip(A, V, strict=True)], quat.rotate_array(A, V), atol=1e-14)
    np.testing.assert_array_equal([quat.conj(a) for a in A], quat.conj_array(A))
    np.testing.assert_allclose([quat.normalise(3 * a) for a in A], A, atol=1e-15)
    u = V[::-1]
    between = [quat.between(a, b) for a, b in zip(u, V, strict=True)]
    np.testing.assert_allclose(between, quat.between_array(u, V), atol=1e-12)


def test_between_turns_one_direction_into_the_other_the_short_way() -> None:
    u, v = quat.normalise_array(V), quat.normalise_array(V[::-1])
    q = quat.between_array(u, v)
    np.testing.assert_allclose(quat.rotate_array(q, u), v, atol=1e-12)
    one = np.array([1.0, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(quat.angle_array(one, q), np.arccos(np.clip(np.sum(u * v, axis=1), -1, 1)), atol=1e-7)


@pytest.mark.parametrize("u", [[1.0, 0, 0], [0, -2.0, 0], [0, 0, 3.0], [1.0, -1.0, 2.0]])
def test_opposite_directions_take_some_half_turn(u: list[float]) -> None:
    a = np.array(u)
    q = np.array(quat.between(a, -a))
    np.testing.assert_allclose(quat.rotate(q, a), -a, atol=1e-12)
    assert np.isnan(quat.between_array(a, -a)).all()
