"""The other programs, imported when they are needed, and their conventions turned into ours."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from types import ModuleType

import numpy as np

from imu.conventions import G
from imu.errors import ConfigError
from imu.packets import Floats

EXTRA = "pip install 'imu-biofeedback[bench]'"

MAHONY_GAINS = {"k_P": 0.74, "k_I": 0.0012}
"""The published best of BROAD, as in our own: the package's defaults wind its integral up."""


@dataclass(frozen=True, slots=True)
class Packages:
    """What is compared with: `vqf` (C++), `imufusion` (C), `ahrs` (Python)."""

    vqf: ModuleType
    imufusion: ModuleType
    ahrs: ModuleType

    @staticmethod
    def load() -> Packages:
        """Raises `ConfigError` naming what is missing and how to get it."""
        found: dict[str, ModuleType] = {}
        missing: list[str] = []
        for name, module in (("vqf", "vqf"), ("imufusion", "imufusion"), ("ahrs", "ahrs.filters")):
            try:
                found[name] = importlib.import_module(module)
            except ImportError:
                missing.append(name)
        if missing:
            raise ConfigError(f"{' and '.join(missing)} to compare with: not installed; {EXTRA}")
        return Packages(**found)

    @staticmethod
    def versions() -> dict[str, str]:
        return {name: version(name) for name in ("vqf", "imufusion", "ahrs")}

    def vqf_batch(self, gyr: Floats, acc: Floats, rate_hz: float) -> Floats:
        return self.vqf.VQF(1.0 / rate_hz).updateBatch(gyr, acc)["quat6D"]

    def vqf_streaming(self, gyr: Floats, acc: Floats, rate_hz: float) -> Floats:
        """Sample by sample, as a program would call it in real time."""
        filter_ = self.vqf.VQF(1.0 / rate_hz)
        update, get = filter_.update, filter_.getQuat6D
        out = np.empty((len(gyr), 4))
        for k, (g, a) in enumerate(zip(gyr, acc, strict=True)):
            update(g, a)
            out[k] = get()
        return out

    def basic_vqf_batch(self, gyr: Floats, acc: Floats, rate_hz: float) -> Floats:
        return self.vqf.BasicVQF(1.0 / rate_hz).updateBatch(gyr, acc)["quat6D"]

    def vqf_offline(self, gyr: Floats, acc: Floats, rate_hz: float) -> Floats:
        """Looks ahead: the whole recording, forward and backward."""
        return self.vqf.offlineVQF(gyr, acc, None, 1.0 / rate_hz)["quat6D"]

    def imufusion_loop(self, rate_hz: float) -> Callable[[Floats, Floats, Floats], None]:
        """A loop that takes degrees/s and g and writes q. Its examples' settings: gain 0.5, rejection 10° for at most 5 s,
        2000 °/s, and its bias estimation; north-west-up, so z is up."""
        f = self.imufusion
        filter_, bias = f.Ahrs(), f.Bias()
        filter_.set_settings(f.AhrsSettings(rate_hz, f.CONVENTION_NWU, 0.5, 2000.0, 10.0, 10.0, 5.0))
        bias.set_settings(f.BiasSettings(sample_rate=rate_hz))
        correct, update, get = bias.update, filter_.update_no_magnetometer, filter_.get_quaternion

        def loop(gyr_dps: Floats, acc_g: Floats, out: Floats) -> None:
            for k in range(len(gyr_dps)):
                update(correct(gyr_dps[k]), acc_g[k])
                out[k] = get()

        return loop

    def imufusion_batch(self, gyr: Floats, acc: Floats, rate_hz: float) -> Floats:
        out = np.empty((len(gyr), 4))
        self.imufusion_loop(rate_hz)(np.degrees(gyr), acc / G, out)
        return out

    def ahrs_madgwick(self, gyr: Floats, acc: Floats, rate_hz: float) -> Floats:
        return np.asarray(self.ahrs.Madgwick(gyr=gyr, acc=acc, frequency=rate_hz).Q, dtype=np.float64)

    def ahrs_mahony(self, gyr: Floats, acc: Floats, rate_hz: float) -> Floats:
        return np.asarray(self.ahrs.Mahony(gyr=gyr, acc=acc, frequency=rate_hz, **MAHONY_GAINS).Q, dtype=np.float64)
