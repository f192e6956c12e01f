"""Results as tables: everything, in both forms, and never over something else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from simulated_session import simulated

import imu
from imu.conventions import ANGLES, angle_label
from imu.errors import RecordingError
from imu.recording.exporters import write_tables
from imu.result import Result

TABLES = ("frames", "events", "repetitions", "cues", "health", "strides")


@pytest.fixture(scope="module")
def result() -> Result:
    return imu.process(simulated(45.0, seed=3))


@pytest.fixture(scope="module")
def folder(result: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("results") / "of this run"
    files = write_tables(result, out)
    assert sorted(files) == sorted(out.iterdir())
    return out


def test_every_table_is_there_twice(folder: Path) -> None:
    names = {f.name for f in folder.iterdir()}
    assert names == {f"{t}.{kind}" for t in TABLES for kind in ("csv", "parquet")} | {"summary.json", "calibration.json"}


def test_parquet_holds_every_bit_of_the_frames(result: Result, folder: Path) -> None:
    frames = pd.read_parquet(folder / "frames.parquet")
    np.testing.assert_array_equal(frames["t_us"], result.t_us)
    for name, side in ANGLES:
        label = angle_label(name, side)
        np.testing.assert_array_equal(frames[f"{label}_deg"], np.degrees(result.angle(name, side)))
        np.testing.assert_array_equal(frames[f"{label}_sigma_deg"], np.degrees(result.sigma(name, side)))
        np.testing.assert_array_equal(frames[f"{label}_flags"], result.flags(name, side))
    assert np.isfinite(frames["knee_flexion_left_deg"].to_numpy()).any()


@pytest.mark.parametrize("table", TABLES)
def test_csv_says_the_same_as_parquet(folder: Path, table: str) -> None:
    a, b = pd.read_parquet(folder / f"{table}.parquet"), pd.read_csv(folder / f"{table}.csv")
    assert list(a.columns) == list(b.columns)
    assert len(a) == len(b)
    for name in a.columns:
        if a[name].dtype.kind == "f":
            np.testing.assert_allclose(b[name].astype(float), a[name], atol=1e-6)
        elif a[name].dtype.kind in "iu":
            np.testing.assert_array_equal(b[name], a[name])


def test_unknown_is_an_empty_field(result: Result, folder: Path) -> None:
    assert np.isnan(result.angle("knee_flexion", "left")[0])
    head, first = (folder / "frames.csv").read_text().splitlines()[:2]
    column = [name.strip('"') for name in head.split(",")].index("knee_flexion_left_deg")
    assert first.split(",")[column] == ""


def test_repetitions_and_cues_are_rows(result: Result, folder: Path) -> None:
    repetitions = pd.read_parquet(folder / "repetitions.parquet")
    assert len(repetitions) == len(result.repetitions) >= 3
    for row, r in zip(repetitions.to_dict("records"), result.repetitions, strict=True):
        assert row["number"] == r.number
        assert row["t_start_us"] == r.t_start_us
        assert row["depth_deg"] == pytest.approx(np.degrees(r.depth))
        assert row["descent_s"] == r.phases.descent_s
        assert row["faults"] == " ".join(r.faults)
        assert row["clean"] == r.clean
        for label, value in r.excursions.items():
            assert row[f"excursion_{label}_deg"] == pytest.approx(np.degrees(value))
        assert {"smoothness_down", "tempo_error_up", "lean"} <= set(r.measures)
        assert row["measure_smoothness_down"] == r.measures["smoothness_down"]
        assert row["measure_lean_deg"] == pytest.approx(np.degrees(r.measures["lean"]))
    cues = pd.read_parquet(folder / "cues.parquet")
    assert list(cues["text"]) == [c.text for c in result.decisions]
    assert list(cues["given"]) == [c.given for c in result.decisions]
    assert len(pd.read_parquet(folder / "events.parquet")) == len(result.events)


def test_health_and_summary_say_how_good_the_data_are(result: Result, folder: Path) -> None:
    health = pd.read_csv(folder / "health.csv")
    assert list(health["segment"]) == [h.segment for h in result.health]
    assert sum(health["lost"].tolist()) > 0
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["fingerprint"] == result.digest()
    assert summary["repetitions"] == len(result.repetitions)
    assert summary["incomplete"] is False
    assert summary["calibrated"] is True
    assert [s["segment"] for s in summary["setup"]["sensors"]] == list(health["segment"])


def test_empty_results_have_all_columns(folder: Path, tmp_path: Path) -> None:
    short = imu.process(simulated(45.0, seed=3).first(3.0))
    write_tables(short, tmp_path / "short")
    for table in ("cues", "repetitions", "events"):
        few, many = (pd.read_parquet(f / f"{table}.parquet") for f in (tmp_path / "short", folder))
        assert [c for c in many.columns if not c.startswith(("excursion_", "measure_"))] == list(few.columns)
    assert len(pd.read_csv(tmp_path / "short" / "repetitions.csv")) == 0


def test_nothing_is_overwritten(result: Result, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RecordingError, match="not empty"):
        write_tables(result, tmp_path)
    with pytest.raises(RecordingError, match="exists already"):
        write_tables(result, tmp_path / "notes.txt")
    assert [f.name for f in tmp_path.iterdir()] == ["notes.txt"]
    assert (tmp_path / "notes.txt").read_text() == "mine"
