"""What all tests share: no window, no sound card, and the recordings beside the checkout only where they are."""

from __future__ import annotations

import os

import pytest
from shared_data import DATA

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("MPLBACKEND", "Agg")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if DATA.exists():
        return
    absent = pytest.mark.skip(reason="../shared/data is absent: recordings to validate against are not part of the project")
    for item in items:
        if item.get_closest_marker("validation"):
            item.add_marker(absent)
