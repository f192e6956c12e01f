"""A drill is listed, printed, copied, edited, checked and used from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

import imu
from imu.cli import main
from imu.feedback import drill_names, drill_text, load_drill


def test_the_library_is_listed_with_what_the_sensors_cannot_see(capsys):
    assert main(["drills"]) == 0
    out = capsys.readouterr().out
    assert all(any(line.startswith(f"{name} ") for line in out.splitlines()) for name in drill_names())
    assert "C-P1-E-P2 2-2-3-0" in out
    assert out.count("not seen:") >= 2 * len(drill_names())


def test_a_drill_is_printed_as_it_is_and_reads_back(capsys, tmp_path: Path):
    assert main(["drills", "lunge"]) == 0
    mine = tmp_path / "mine.toml"
    mine.write_text(capsys.readouterr().out.replace("down_s = 3", "down_s = 4"), "utf-8")
    assert main(["drills", "--check", str(mine)]) == 0
    assert f"{mine}: in order" in capsys.readouterr().out
    assert load_drill(mine.read_text("utf-8")).tempo.down_s == 4


def test_everything_that_is_wrong_is_said_with_the_file_and_the_key(capsys, tmp_path: Path):
    mine = tmp_path / "mine.toml"
    text = drill_text("lunge").replace("down_s = 3", "down_s = -3").replace("aim_deg = 90", "aim_dg = 90")
    mine.write_text(text, "utf-8")
    for command in (["drills", "--check", str(mine)], ["live", "--drill", str(mine)]):
        assert main(command) == 2
        err = capsys.readouterr().err
        for key in ("tempo.down_s", "target.aim_dg", "target.aim_deg"):
            assert f"{mine}: {key} " in err


def test_a_file_that_is_not_there_is_one_line(capsys):
    assert main(["drills", "--check", "nowhere.toml"]) == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert "nowhere.toml cannot be read" in err


def test_every_key_is_explained(capsys):
    assert main(["drills", "--fields"]) == 0
    out = capsys.readouterr().out
    assert "compensations[].limit_deg\n" in out
    assert "signal.trained\n" in out


def test_a_recording_is_processed_with_a_drill_of_ones_own(capsys, tmp_path: Path):
    import numpy as np

    from imu.packets import Samples
    from imu.recording import Recording

    n = 800
    still = Samples(np.arange(n, dtype=np.int64) * 10_000, np.zeros((n, 3)), np.tile([0.0, 9.81, 0.0], (n, 1)))
    recording = Recording.from_samples({"thigh_left": still, "thigh_right": still})
    file = recording.save(tmp_path / "still.mcap")
    mine = tmp_path / "mine.toml"
    text = drill_text("sit_to_stand").replace('title = "Sit to stand"', 'title = "My own chair"')
    mine.write_text(text, "utf-8")
    assert main(["process", str(file), "--drill", str(mine), "--no-files"]) == 0
    assert "Fingerprint" in capsys.readouterr().out
    assert imu.process(recording, drill=text).setup.drill_toml == text


@pytest.mark.parametrize("name", ["sqat", "../squat"])
def test_a_drill_that_is_not_in_the_library_is_refused(capsys, name):
    assert main(["drills", name]) == 2
    assert "in the library" in capsys.readouterr().err
