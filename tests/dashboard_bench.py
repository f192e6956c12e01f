"""The screen and the person in front of it, as the dashboard's tests use them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtWidgets import QApplication

from imu.dashboard.patient_view import PatientView
from imu.dashboard.window import Window
from imu.snapshot import Snapshot


@pytest.fixture(name="view")
def open_view(qtbot) -> Iterator[PatientView]:
    v = PatientView()
    qtbot.addWidget(v)
    v.resize(1280, 800)
    v.show()
    yield v
    v.close()


@pytest.fixture
def no_window_is_left(qapp: QApplication) -> Iterator[None]:
    yield
    assert [w for w in qapp.topLevelWidgets() if w.isVisible() or isinstance(w, Window)] == []


class Person:
    """Who uses the window: what was asked for, in order."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def asks(self, what: str) -> Callable[[], None]:
        return lambda: self.asked.append(what)


@pytest.fixture(name="person")
def a_person() -> Person:
    return Person()


def visible(view: PatientView) -> dict[str, str]:
    """Accessible name -> state in words, of everything on the screen."""
    return {p.accessibleName(): p.accessibleDescription() for p in view.panels if p.isVisible()}


def show(view: PatientView, snapshot: Snapshot, now_ns: int | None = None) -> dict[str, str]:
    view.show_snapshot(snapshot, now_ns)
    return visible(view)
