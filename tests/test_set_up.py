"""The whole set-up as a person goes through it: cold sensors, straps, stand, guided march, first repetition."""

from __future__ import annotations

import numpy as np
import pytest
from kinematics_bodies import kinds
from scipy.spatial.transform import Rotation
from simulated_activity import perform_activity

import imu
from firmware_sim.activities import March, Squats, Stand
from imu.conventions import CORE_SEGMENTS, G
from imu.packets import Samples
from imu.recording import make_decoder

STRAPPING_S = 4.0
PLAN = (Stand(3.0), March(6), Stand(1.5), Squats(2, tempo=(2.0, 0.3, 2.0, 1.0)), Stand(2.0))


def samples_of(recording):
    """What `Recording.from_samples` was made of."""
    found = {}
    for sensor in recording.setup.sensors:
        decoder = make_decoder(sensor)
        blocks = [decoder.decode(data, t) for name, data, t in recording.notifications() if name == sensor.sensor]
        packets = [p for p in blocks if p is not None and len(p)]
        found[sensor.segment] = [np.concatenate([getattr(p, name) for p in packets]) for name in ("t_us", "gyr", "acc")]
    return found


def strapped_on(samples, seed):
    """The same, with `STRAPPING_S` before it in which every sensor, switched on one after the other, is turned about in
    somebody's hands until it sits where it then is."""
    out = {}
    for j, (segment, (t_us, gyr, acc)) in enumerate(samples.items()):
        rng = np.random.default_rng((seed, j))
        on_s = 0.4 * j
        t = np.arange(round(on_s * 100), round(STRAPPING_S * 100)) / 100.0
        left = (STRAPPING_S - t)[:, None] / STRAPPING_S
        phase = rng.uniform(0, 2 * np.pi, 3)
        about = rng.uniform(1.0, 2.0, 3) * left**2 * np.sin(2 * np.pi * 0.4 * t[:, None] + phase)
        sits, _ = Rotation.align_vectors([[0.0, 0.0, 1.0]], [acc[:50].mean(axis=0)])
        held = sits * Rotation.from_rotvec(about)
        rate = np.vstack([(held[:-1].inv() * held[1:]).as_rotvec() * 100.0, np.zeros((1, 3))])
        force = held.inv().apply([0.0, 0.0, G]) + rng.normal(0.0, 0.3, (len(t), 3)) * left
        shift = round(STRAPPING_S * 1e6)
        out[segment] = Samples(
            np.concatenate([np.round(t * 1e6).astype(np.int64), t_us + shift]),
            np.concatenate([rate + rng.normal(0.0, 0.003, rate.shape), gyr]), np.concatenate([force, acc]),
        )  # fmt: skip
    return out


@pytest.mark.parametrize("seed", range(40, 46))
def test_from_cold_sensors_to_the_first_repetition(seed):
    simulated = perform_activity(seed, PLAN, drill="squat")
    recording = imu.Recording.from_samples(
        strapped_on(samples_of(simulated.recording), seed), simulated.recording.setup.drill_toml
    )  # fmt: skip
    result = imu.process(recording)
    names = kinds(result.events)
    assert names.index("stand_found") < names.index("movement_found") < names.index("calibrated")
    first = next(e for e in result.events if e.kind == "repetition_counted")
    assert first.t_emitted_us <= 25e6
    assert result.repetitions[0].clean or result.repetitions[0].faults == ("tempo",)
    assert len(result.repetitions) >= 1
    assert all(result.calibration.of(s).q_sensor_segment is not None for s in CORE_SEGMENTS[1:])
    at = np.searchsorted(result.t_us, result.repetitions[0].t_deepest_us)
    true = simulated.truth(np.array([result.t_us[at] - round(STRAPPING_S * 1e6)]))
    for side in ("left", "right"):
        off = np.degrees(result.angle("knee_flexion", side)[at] - true[f"knee_flexion_{side}"][0])
        assert abs(off) < 3.0
