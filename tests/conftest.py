"""What all tests share: no window, no sound card, the recordings beside the checkout only where they are; and how several
processes share the tests (`pytest -n 2`)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from shared_data import DATA

if TYPE_CHECKING:
    from xdist.scheduler import LoadFileScheduling

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("MPLBACKEND", "Agg")

IN_REAL_TIME = ("test_demo.py", "test_audio_pulse.py", "test_firmware_process.py", "test_recording_writer.py")
"""Their tests watch processes by the computer's clock. Two of them at a time would make each other late; one after the
other, and before anything else, since they mostly wait."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.path.name not in IN_REAL_TIME)
    if DATA.exists():
        return
    absent = pytest.mark.skip(reason="../shared/data is absent: recordings to validate against are not part of the project")
    for item in items:
        if item.get_closest_marker("validation"):
            item.add_marker(absent)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling:
    """Whole files, in the order in which they were collected: what a file's tests share is made once."""
    from xdist.scheduler import LoadFileScheduling

    from imu.warm import warm_up

    class Files(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "in real time" if file.rpartition("/")[2] in IN_REAL_TIME else file

    config.option.loadscopereorder = False
    # processes that compile the same kernel at the same time write the same files
    warm_up()
    return Files(config, log)
