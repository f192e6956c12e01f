"""All tables of one run, each as soon as it is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from imu.bench.accuracy import differences_table, errors_table, judge_all, trials_table
from imu.bench.allocations import allocations_table
from imu.bench.heading import linkages_table, speed_table
from imu.bench.linkage import Linkage, synthetic_linkage
from imu.bench.live_speed import packets_table, pipeline_table
from imu.bench.losses import losses_table
from imu.bench.packages import Packages
from imu.bench.recordings import Trial
from imu.bench.speed import recording_table, sensors_table
from imu.bench.tables import Table


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is measured: more takes longer and is less at the mercy of what else the computer does."""

    rounds: int
    calls: int
    seeds: tuple[int, ...]
    synthetic_s: float


FULL = Amount(rounds=15, calls=15_000, seeds=(1, 2, 3), synthetic_s=300.0)
QUICK = Amount(rounds=5, calls=4_000, seeds=(1,), synthetic_s=60.0)


def report(
    trials: Sequence[Trial], packages: Packages, amount: Amount, linkages: Sequence[Linkage] = ()
) -> Iterator[Table]:
    """Accuracy on all trials, speed on the longest; relative orientation on the linkages, or a synthetic one."""
    judged = judge_all(trials, packages)
    if judged:
        yield errors_table(judged)
        if len(judged) > 1:
            yield trials_table(judged)
        yield losses_table(trials, packages, amount.seeds)
    yield differences_table(trials, packages)
    longest = max(trials, key=len)
    yield recording_table(longest, packages, amount.rounds)
    yield sensors_table(longest, packages, amount.rounds)
    yield packets_table(longest, packages, amount.calls)
    yield pipeline_table(longest, amount.calls)
    yield allocations_table(longest)
    made = synthetic_linkage(seconds=amount.synthetic_s)
    yield linkages_table(linkages or [made, synthetic_linkage("hinge", amount.synthetic_s)])
    yield speed_table(made, amount.rounds)
