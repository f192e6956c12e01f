"""Bad input: one line that says what is wrong and what to do, exit code 2, no traceback, nothing overwritten."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imu.cli import main
from imu.packets import Samples
from imu.recording import Recording


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Half a minute of a thigh that lies still."""
    n = 3000
    rng = np.random.default_rng(3)
    still = Samples(
        np.arange(n, dtype=np.int64) * 10_000,
        rng.normal(0.0, 0.002, (n, 3)),
        np.tile([0.0, 9.81, 0.0], (n, 1)) + rng.normal(0.0, 0.02, (n, 3)),
    )
    return Recording.from_samples({"thigh_left": still}).save(tmp_path / "still.mcap")


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The command must end with 2 and one line on stderr that has all the words."""
    try:
        code = main(arguments)
    except SystemExit as e:  # argparse
        code = e.code
    out, err = capsys.readouterr()
    assert code == 2, (out, err)
    last = err.strip().splitlines()[-1]
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1, err
    for word in words:
        assert word in last, last
    return last


@pytest.mark.parametrize("command", ["process", "replay"])
def test_missing_file(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused([command, str(tmp_path / "nothing.mcap")], capsys, "no such file", "check the name")


def test_empty_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.mcap").touch()
    refused(["process", str(tmp_path / "empty.mcap")], capsys, "is empty")


def test_rubbish(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rubbish.mcap").write_bytes(np.random.default_rng(0).bytes(5000))
    refused(["process", str(tmp_path / "rubbish.mcap")], capsys, "rubbish.mcap")


def test_unknown_vendor_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log.xyz").write_text("a;b;c\n1;2;3\n")
    refused(["import", str(tmp_path / "log.xyz"), str(tmp_path / "out.mcap")], capsys, "log.xyz")
    assert not (tmp_path / "out.mcap").exists()


def test_a_segment_named_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    acc, gyr = np.tile([0.0, 9.81, 0.0], (50, 1)), np.zeros((50, 3))
    arrays = {f"{kind}_{name}": x for name in ("upper_leg_left", "thigh_left") for kind, x in (("acc", acc), ("gyr", gyr))}
    np.savez(tmp_path / "twice.npz", fs=100.0, **arrays)
    refused(["process", str(tmp_path / "twice.npz"), "--no-files"], capsys, "thigh_left", "twice")


def test_results_are_never_overwritten(recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "results"
    assert main(["process", str(recording), "--out", str(folder)]) == 0
    before = {f: f.read_bytes() for f in folder.iterdir()}
    capsys.readouterr()
    refused(["process", str(recording), "--out", str(folder)], capsys, "exists already", "--out")
    assert {f: f.read_bytes() for f in folder.iterdir()} == before


def test_a_recording_is_never_overwritten(recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taken = tmp_path / "taken.mcap"
    taken.write_bytes(b"somebody's work")
    refused(["import", str(recording), str(taken)], capsys, "taken.mcap")
    assert taken.read_bytes() == b"somebody's work"


def test_a_truncated_recording_is_read_as_far_as_it_goes(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = recording.read_bytes()
    torn = tmp_path / "torn.mcap"
    torn.write_bytes(whole[: len(whole) * 2 // 3])
    assert main(["process", str(torn), "--no-files"]) == 0
    assert "incomplete" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--drill", "juggling"], ("juggling", "squat")),
        (["--stand", "5"], ("2:3.5",)),
        (["--stand", "5:3"], ("before",)),
        (["--packets", "0"], ("1 or more",)),
        (["--calibration", "nowhere.json"], ("nowhere.json", "calibration.json")),
        (["--exchange", "thigh_left"], ("two segments with a colon",)),
        (["--exchange", "thigh_left:tail"], ("two segments with a colon",)),
        (["--exchange", "thigh_left:foot_left"], ("cannot exchange", "thigh_left")),
    ],
)
def test_bad_options(
    recording: Path, options: list[str], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    refused(["process", str(recording), "--no-files", *options], capsys, *words)


def test_a_damaged_stored_calibration(recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "calibration.json"
    path.write_text('{"version": 1, "segments": "none"}')
    options = ["--no-files", "--calibration", str(path)]
    refused(["process", str(recording), *options], capsys, "cannot be read", "calibrate anew")


@pytest.mark.parametrize("speed", ["0", "5", "fast", "nan"])
def test_bad_speed(recording: Path, speed: str, capsys: pytest.CaptureFixture[str]) -> None:
    refused(["replay", str(recording), "--speed", speed], capsys, "0.1 to 4, or max")


def test_no_controller_at_that_port(capsys: pytest.CaptureFixture[str]) -> None:
    refused(["scan", "--ble-backend", "bumble:tcp-client:127.0.0.1:9", "--search", "1"], capsys, "127.0.0.1:9")


def test_unknown_backend(capsys: pytest.CaptureFixture[str]) -> None:
    refused(["scan", "--ble-backend", "carrier-pigeon", "--search", "1"], capsys, "carrier-pigeon", "bumble:")


@pytest.mark.parametrize("command", ["live", "demo", "replay", "process", "why"])
def test_a_baseline_that_is_missing_or_too_short_is_told_before_anything_begins(
    command: str, recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    of = [str(recording)] if command in ("replay", "process", "why") else ["--out", str(tmp_path / "session")]
    drill = ["--drill", "squat"]
    refused([command, *of, *drill, "--baseline", str(tmp_path / "nothing.mcap")], capsys, "nothing.mcap", "no such file")
    refused([command, *of, *drill, "--baseline", str(recording)], capsys, "still.mcap: the baseline has 0 repetitions")
    refused([command, *of, "--drill", "walk_cadence", "--baseline", str(recording)], capsys, "leave the baseline away")
    assert sorted(f.name for f in tmp_path.iterdir()) == ["still.mcap"]
