"""What the README says is true: its commands are understood or run, its library example runs, its pictures are there."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import imu
from imu.cli import main, parser

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = [
    line.partition("#")[0].split()[1:] for _, block in BLOCKS for line in block.splitlines() if line.startswith("imu ")
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_commands_are_understood(command: list[str]) -> None:
    assert callable(parser().parse_args(command).run)


@pytest.mark.parametrize("extra", [["process"], ["replay", "--speed", "max"]], ids=" ".join)
def test_commands_on_the_sample_recordings_run(
    extra: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = next(c[1] for c in COMMANDS if c[0] == extra[0])
    monkeypatch.chdir(tmp_path)
    assert main([extra[0], str(ROOT / name), *extra[1:]]) == 0
    assert "knee_flexion_left" in capsys.readouterr().out
    if extra[0] == "process":
        written = {f.suffix for f in (tmp_path / "results" / Path(name).stem).iterdir()}
        assert {".csv", ".parquet"} <= written
        again = next(c for c in COMMANDS if "--calibration" in c)
        assert main([*again[:1], str(ROOT / again[1]), "--no-files", *again[2:]]) == 0
        assert "stored calibration" in capsys.readouterr().out


def test_who_wore_what(capsys: pytest.CaptureFixture[str]) -> None:
    (command,) = [c for c in COMMANDS if c[0] == "who"]
    assert main([command[0], str(ROOT / command[1])]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 7
    assert all(line.split()[2] == line.split()[4] for line in lines)


def test_the_library_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = [block for language, block in BLOCKS if language == "python"]
    monkeypatch.chdir(ROOT)
    n = 500
    known = {
        "t_us": np.arange(n, dtype=np.int64) * 10_000,
        "gyr": np.zeros((n, 3)),
        "acc": np.tile([0.0, 9.81, 0.0], (n, 1)),
        "q_thigh": np.tile([1.0, 0.0, 0.0, 0.0], (n, 1)),
        "q_shank": np.tile([1.0, 0.0, 0.0, 0.0], (n, 1)),
    }
    exec(compile(example, "README.md", "exec"), known)
    assert isinstance(known["result"], imu.Result)


def test_the_pictures_are_there() -> None:
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", TEXT)
    assert pictures
    for picture in pictures:
        assert (ROOT / picture).stat().st_size > 10_000


def test_the_table_of_folders_is_true() -> None:
    for folder in re.findall(r"^\| `([a-z_/]+)` \|", TEXT, re.MULTILINE):
        assert (ROOT / folder).is_dir(), folder
