"""The binding to Qt keeps its references: a start-up self-test, run in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from imu.dashboard import self_test


def test_pyside_loses_no_references():
    """6.12.0 on CPython 3.11 loses one for each void call and aborts the interpreter; seen as a window that dies."""
    done = subprocess.run(
        [sys.executable, "-m", "imu.dashboard.self_test"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal")
def test_a_lost_reference_is_noticed(qapp, monkeypatch: pytest.MonkeyPatch):
    hoard: list[None] = []
    table = {"sound": lambda: None, "leaking": lambda: hoard.append(None)}
    monkeypatch.setattr(self_test, "calls", lambda app, painter: table)
    assert list(self_test.leaks(qapp)) == ["leaking"]
