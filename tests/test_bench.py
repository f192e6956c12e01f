"""`imu bench`: what its tables must hold on any computer. How fast things are is printed, not tested."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from shared_data import DATA

from imu.bench import Packages, Table, Trial, load_trials, synthetic_trial
from imu.bench.accuracy import judge_all, trials_table
from imu.bench.allocations import allocation_counter
from imu.bench.judging import judge
from imu.bench.losses import arrived, part, thinned
from imu.bench.stopwatch import BLOCK, Call, Task, beside, each_call, ratio_of_blocks
from imu.bench.tables import Column
from imu.cli import main
from imu.conventions import G
from imu.errors import RecordingError
from imu.fusion import orientation
from imu.fusion.quaternion import mul_array
from imu.packets import Samples
from imu.recording import Recording

pytestmark = pytest.mark.timeout(300)  # on a busy computer with an empty cache the kernels alone take a minute

Rows = dict[str, dict[str, float | None]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def printed(folder: Path) -> str:
    """What `imu bench --quick` says about the recording that it makes itself."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert main(["bench", "--quick", "--json", str(folder / "bench.json")]) == 0
    return out.getvalue()


@pytest.fixture(scope="module")
def tables(printed: str, folder: Path) -> dict[str, Rows]:
    found = json.loads((folder / "bench.json").read_text("utf-8"))
    assert found["trials"] == ["synthetic, 60 s, seed 1"]
    assert set(found["versions"]) == {"imu", "vqf", "imufusion", "ahrs"}
    return {key: table["rows"] for key, table in found["tables"].items()}


def test_every_table_is_printed_and_fits_100_columns(printed: str, tables: dict[str, Rows]) -> None:
    assert set(tables) == {
        "errors", "losses", "differences", "recording", "sensors", "packets", "pipeline", "allocations",
        "headings", "heading",
    }  # fmt: skip
    for rows in tables.values():
        for name in rows:
            assert name in printed
    assert max(map(len, printed.splitlines()[1:-1])) <= 100
    assert "nan" not in printed


def test_ours_is_the_authors_filter(tables: dict[str, Rows]) -> None:
    for row in tables["differences"].values():
        assert row["whole"] is not None
        assert row["whole"] < 1e-6
        assert row["packets of 3"] is not None
        assert row["packets of 3"] < 1e-6
    errors = tables["errors"]
    assert errors["vqf"]["of vqf C++"] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("column", ["inclination °", "total °", "drift °/min"])
def test_on_the_synthetic_recording_nothing_that_runs_live_is_better(tables: dict[str, Rows], column: str) -> None:
    errors = {name: row[column] for name, row in tables["errors"].items()}
    ours = errors.pop("vqf")
    assert ours is not None
    live = {name: error for name, error in errors.items() if name not in ("smoother", "offlineVQF C++")}
    assert set(live) == {"vqf C++", "madgwick", "mahony", "gyro_only", "imufusion", "ahrs Madgwick"}
    for name, error in live.items():
        assert error is not None
        assert ours <= error + 1e-6, name


def test_our_madgwick_has_the_errors_of_the_other(tables: dict[str, Rows]) -> None:
    errors = tables["errors"]
    assert errors["madgwick"]["inclination °"] == pytest.approx(errors["ahrs Madgwick"]["inclination °"], abs=0.01)


def test_lost_packets_cost_less_when_the_clock_is_heard(tables: dict[str, Rows]) -> None:
    rows = tables["losses"]
    assert rows["nothing lost"]["vqf °"] == pytest.approx(rows["nothing lost"]["vqf C++ by row °"], abs=1e-6)
    for name in ("1% of the packets lost", "5% of the packets lost"):
        ours, by_row = rows[name]["vqf °"], rows[name]["vqf C++ by row °"]
        assert ours is not None
        assert by_row is not None
        assert ours < by_row / 2


def test_speed_is_told_as_a_ratio_in_the_same_run(tables: dict[str, Rows]) -> None:
    one = tables["recording"]
    assert {"vqf", "madgwick", "mahony", "gyro_only", "vqf C++ BasicVQF", "ahrs Madgwick", "ahrs Mahony"} <= set(one)
    assert one["vqf C++ updateBatch"]["vqf C++ / this"] == 1.0
    for key in ("recording", "sensors", "packets", "pipeline"):
        for name, row in tables[key].items():
            for column, value in row.items():
                assert value is not None, (name, column)
                assert value > 0.0, (name, column)
    for row in (*one.values(), *tables["sensors"].values()):
        assert row["lowest"] <= row["vqf C++ / this"] <= row["highest"]  # type: ignore[operator]


def test_no_sample_makes_a_kernel_take_memory(tables: dict[str, Rows]) -> None:
    for name, row in tables["allocations"].items():
        assert row["more"] == 0, name


def test_the_counter_of_allocations_counts() -> None:
    @numba.njit
    def wasteful(n: int) -> float:
        total = 0.0
        for k in range(n):
            total += np.full(k + 1, 1.0).sum()
        return total

    wasteful(3)
    with allocation_counter() as count:
        assert count is not None
        before = count()
        wasteful(3)
        few = count() - before
        wasteful(8)
        assert count() - before - few > few > 0


def test_a_taken_name_is_refused_before_any_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taken = tmp_path / "taken.json"
    taken.write_text("somebody's work")
    assert main(["bench", "--quick", "--json", str(taken)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "exists already" in err
    assert taken.read_text() == "somebody's work"


def test_missing_packages_are_one_line_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "imufusion", None)
    assert main(["bench", "--quick"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "imu bench: imufusion to compare with: not installed; pip install 'imu-biofeedback[bench]'"
    ]


def saved(path: Path, trial: Trial, **more: object) -> Path:
    np.savez(path, gyr=trial.gyr, acc=trial.acc, **more)  # type: ignore[arg-type]
    return path


def test_a_file_with_its_reference_is_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = synthetic_trial(20.0, seed=2)
    assert whole.reference is not None
    reference = whole.reference.copy()
    reference[3000:3100] = np.nan
    file = saved(tmp_path / "mine.npz", whole, fs=whole.rate_hz, ref_quat=reference * 2.0, movement=whole.moving)
    (trial,) = load_trials([file])
    assert (trial.name, trial.rate_hz) == ("mine", whole.rate_hz)
    np.testing.assert_array_equal(trial.gyr, whole.gyr)
    assert trial.moving is not None
    assert trial.judged().sum() == (trial.moving.sum() - trial.moving[3000:3100].sum())
    assert trial.reference is not None
    np.testing.assert_allclose(np.linalg.norm(trial.reference[:3000], axis=1), 1.0, atol=1e-12)


def test_a_rate_comes_from_the_times_where_none_is_given(tmp_path: Path) -> None:
    whole = synthetic_trial(5.0)
    t = 100.0 + np.arange(len(whole)) / 104.0
    (trial,) = load_trials([saved(tmp_path / "timed.npz", whole, t=t)])
    assert trial.rate_hz == pytest.approx(104.0, rel=1e-9)
    assert not trial.judged().any()


def test_a_recording_gives_each_sensor_its_longest_whole_stretch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = synthetic_trial(10.0, seed=3)
    n = len(whole)
    kept = np.delete(np.arange(n), slice(900, 930))
    t_us = np.rint(kept * 10_000).astype(np.int64)
    samples = {s: Samples(t_us, whole.gyr[kept], whole.acc[kept]) for s in ("thigh_left", "shank_left")}
    file = Recording.from_samples(samples).save(tmp_path / "two.mcap")
    trials = load_trials([tmp_path])
    assert [t.name for t in trials] == ["two thigh_left", "two shank_left"]
    for trial in trials:
        assert len(trial) == n - 930
        np.testing.assert_allclose(trial.gyr, whole.gyr[930:], atol=1e-3)
        assert f"{n - 930} of {n - 30}" in trial.note
    assert main(["bench", "--quick", str(file)]) == 0
    out = capsys.readouterr().out
    assert "Without a reference, so without errors: 2 of 2." in out
    assert "two thigh_left: its longest stretch" in out
    assert "Errors of" not in out


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"gyr": np.zeros((5, 3)), "acc": np.ones((5, 3)), "fs": 100.0}, "is it g"),
        ({"gyr": np.zeros((5, 3)), "acc": np.full((4, 3), G), "fs": 100.0}, "acc is"),
        ({"gyr": np.zeros((5, 3)), "acc": np.full((5, 3), 6.0)}, "neither fs"),
        ({"gyr": np.zeros((5, 3)), "acc": np.full((5, 3), 6.0), "fs": -1.0}, "fs is -1.0"),
        ({"gyr": np.zeros((5, 3)), "acc": np.full((5, 3), 6.0), "t": [0, 1, 2, 9, 10]}, "equal steps"),
        ({"gyr": np.full((5, 3), np.nan), "acc": np.full((5, 3), 6.0), "fs": 100.0}, "finite"),
        ({"gyr": np.zeros((5, 3)), "acc": np.full((5, 3), 6.0), "fs": 100.0, "ref_quat": np.zeros(5)}, "ref_quat is"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, arrays: dict[str, np.ndarray], words: str) -> None:
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(RecordingError, match=words) as e:
        load_trials([tmp_path / "bad.npz"])
    assert "bad.npz" in str(e.value)


def test_a_missing_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("nothing.mcap", "nothing.npz"):
        assert main(["bench", "--quick", str(tmp_path / name)]) == 2
        assert "no such file" in capsys.readouterr().err


def about(axis: int, degrees: np.ndarray | float) -> np.ndarray:
    half = np.radians(np.atleast_1d(degrees)) / 2
    q = np.zeros((len(half), 4))
    q[:, 0], q[:, 1 + axis] = np.cos(half), np.sin(half)
    return q


def test_the_judge_knows_tilt_heading_and_drift() -> None:
    trial = synthetic_trial(60.0)
    q = trial.reference
    assert q is not None
    assert judge(q, trial).total_deg < 1e-5
    turned = judge(-mul_array(about(2, 140.0), q), trial)  # a constant heading is no error, nor is the sign
    assert max(turned.inclination_deg, turned.total_deg, turned.drift_deg_per_min) < 1e-5
    tilted = judge(mul_array(about(0, 3.0), q), trial)
    assert (tilted.inclination_deg, tilted.total_deg) == (pytest.approx(3.0), pytest.approx(3.0))
    minutes = np.arange(len(trial)) / trial.rate_hz / 60.0
    drifting = judge(mul_array(about(2, 170.0 + 25.0 * minutes), q), trial)
    assert drifting.drift_deg_per_min == pytest.approx(25.0, abs=1e-6)
    assert drifting.inclination_deg < 1e-5
    assert np.isnan(judge(q, Trial("unknown", 100.0, trial.gyr, trial.acc)).inclination_deg)


def test_the_synthetic_recording_is_what_it_says() -> None:
    trial = synthetic_trial(60.0, seed=4)
    assert trial.reference is not None
    assert trial.moving is not None
    again = synthetic_trial(60.0, seed=4)
    np.testing.assert_array_equal(trial.acc, again.acc)
    assert not np.array_equal(trial.acc, synthetic_trial(60.0, seed=5).acc)
    # gravity is where the truth says it is, in the pauses
    still = ~trial.moving
    assert np.linalg.norm(trial.acc[still], axis=1).mean() == pytest.approx(G, abs=0.01)
    assert judge(orientation(trial.gyr, trial.acc, trial.rate_hz), trial).inclination_deg < 0.3


def test_packets_are_lost_whole_and_the_truth_goes_with_them() -> None:
    slow = thinned(synthetic_trial(100.0))
    assert slow.rate_hz == pytest.approx(57.1, abs=0.1)
    n = len(slow)
    kept = arrived(n, 0.05, seed=1)
    assert 0.92 < len(kept) / n < 0.98
    gone = np.setdiff1d(np.arange(n // 3 * 3), kept).reshape(-1, 3)
    np.testing.assert_array_equal(gone, gone[:, :1] + [0, 1, 2])
    np.testing.assert_array_equal(gone[:, 0] % 3, 0)
    there = part(slow, kept)
    assert there.reference is not None
    assert slow.reference is not None
    np.testing.assert_array_equal(there.reference, slow.reference[kept])
    np.testing.assert_array_equal(arrived(n, 0.0, seed=1), np.arange(n))


def test_every_call_has_the_one_that_it_is_compared_with_beside_it() -> None:
    order: list[str] = []
    base, *tasks = [Task(name, 10, lambda name=name: order.append(name)) for name in "cab"]
    found = beside(base, tasks, 3)
    assert "".join(order) == "cab" + "cacb" + "acbc" + "cacb"
    assert {name: len(times.speedup) for name, times in found.items()} == {"a": 3, "b": 3}
    calls: list[tuple[str, int]] = []
    seen: list[int] = []
    a, b = Call(lambda k: calls.append(("a", k))), Call(lambda k: calls.append(("b", k)), seen.append)
    one, other = each_call([a, b], 2 * BLOCK)
    assert calls == [(name, k) for first in (0, BLOCK) for name in "ab" for k in range(first, first + BLOCK)]
    assert seen == list(range(2 * BLOCK))  # not timed, once before each call
    assert len(one) == len(other) == 2 * BLOCK


def test_a_ratio_holds_on_a_computer_that_is_slow_for_a_while() -> None:
    slow = np.where(np.arange(10 * BLOCK) < 7 * BLOCK, 3.0, 1.0)
    assert ratio_of_blocks(1.6e-6 * slow, 1e-6 * slow) == pytest.approx(1.6)


def test_a_table_says_a_dash_where_there_is_nothing_to_say() -> None:
    table = Table("k", "Title", "Meaning.", (Column("x", ".1f"), Column("y", "d")), (("a", (1.25, 3)), ("b", (None, 4))))
    assert table.lines() == ["Title", "  Meaning.", "       x  y", "  a  1.2  3", "  b    –  4"]
    assert table.as_json()["rows"] == {"a": {"x": 1.25, "y": 3}, "b": {"x": None, "y": 4}}
    assert table.value("a", "y") == 3
    with pytest.raises(KeyError, match="no row 'c'"):
        table.value("c", "y")


@pytest.mark.validation
def test_the_metric_is_the_one_of_the_benchmark() -> None:
    """Each file carries the error of VQF that the makers of the benchmark's figures got."""
    files = sorted((DATA / "orientation").glob("*.npz"))
    assert files
    for file in files:
        (trial,) = load_trials([file])
        with np.load(file) as d:
            expected = float(d["incl_rmse_vqf6d_deg"])
        assert judge(orientation(trial.gyr, trial.acc, trial.rate_hz), trial).inclination_deg == pytest.approx(
            expected, abs=2e-3
        ), file.name


@pytest.mark.validation
def test_trials_side_by_side_fit_100_columns() -> None:
    """Two of the real ones, a fifth of each: the names are the longest there are."""
    trials = load_trials(sorted((DATA / "orientation").glob("*with_breaks*.npz")))
    short = [part(t, np.arange(0, len(t) // 5)) for t in trials]
    lines = trials_table(judge_all(short, Packages.load())).lines()
    assert len(lines) == 5
    assert max(map(len, lines)) <= 100
