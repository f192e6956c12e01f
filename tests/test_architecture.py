"""Imports point one way, libraries stay in their rooms, and the core has no clock, thread, loop, file or window."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
IMU, FIRMWARE = ROOT / "imu", ROOT / "firmware_sim"
SOURCES = sorted([*IMU.rglob("*.py"), *FIRMWARE.rglob("*.py")])

LAYERS = (
    {"cache", "conventions", "errors", "packets", "config", "kernels", "clock", "outputs", "snapshot"},
    {"fusion"},
    {"kinematics"},
    {"feedback"},
    {"pipeline", "warm"},
    {"ble", "recording", "result"},
    {"walk_summary"},
    {"accelerometers", "places", "processing", "summary", "sources", "live_gait", "live_view", "bench"},
    {"engine"},
    {"dashboard"},
    {"commands", "cli"},
)
"""Rooms from the ground up: a room imports those below it and its own, nothing above. `imu` itself re-exports."""
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}

ONLY_IN = {
    "bleak": ("imu/ble/",),
    "bumble": ("imu/ble/bumble_backend", "firmware_sim/"),
    "PySide6": ("imu/dashboard/",),
    "pyqtgraph": ("imu/dashboard/",),
    "sounddevice": ("imu/feedback/audio/",),
    "mcap": ("imu/recording/",),
    "pandas": ("imu/recording/", "imu/result.py"),
    "pyarrow": ("imu/recording/",),
}
CORE = ("imu/fusion/", "imu/kinematics/", "imu/feedback/", "imu/pipeline.py", "imu/clock/")
NOT_IN_CORE = {"asyncio", "threading", "time", "datetime", "multiprocessing", "subprocess", "socket", "pathlib", "os", "io"}


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def room_of(file: Path) -> str:
    parts = file.relative_to(IMU).parts
    return parts[0].removesuffix(".py")


def is_type_check(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def imports(file: Path) -> list[tuple[str, int]]:
    """(module, line) of every import that runs, also inside functions; those for type checkers only do not."""
    found: list[tuple[str, int]] = []

    def walk(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if is_type_check(child):
                continue
            if isinstance(child, ast.Import):
                found.extend((alias.name, child.lineno) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{name_of(file)}:{child.lineno}: relative import; write it absolute"
                module = child.module or ""
                found.extend((f"{module}.{alias.name}", child.lineno) for alias in child.names)
            walk(child)

    walk(ast.parse(file.read_text("utf-8")))
    return found


def test_every_room_has_its_place() -> None:
    rooms = {room_of(f) for f in SOURCES if f.is_relative_to(IMU)} - {"__init__"}
    assert rooms == set(LEVEL), "a new room needs a level in LAYERS"


@pytest.mark.parametrize("file", [f for f in SOURCES if f.is_relative_to(IMU) and f != IMU / "__init__.py"], ids=name_of)
def test_imports_point_down(file: Path) -> None:
    room = room_of(file)
    for module, line in imports(file):
        parts = module.split(".")
        if parts[0] == "firmware_sim":
            pytest.fail(f"{name_of(file)}:{line} imports the simulated firmware; start it as a process")
        if parts[0] == "imu" and len(parts) > 1 and parts[1] in LEVEL:
            assert LEVEL[parts[1]] <= LEVEL[room], f"{name_of(file)}:{line} imports {module}, which is above it"


def test_the_firmware_knows_nothing_but_the_protocol() -> None:
    allowed = ("imu.ble.profiles", "imu.conventions")
    for file in FIRMWARE.rglob("*.py"):
        for module, line in imports(file):
            if module.split(".")[0] == "imu":
                assert module.startswith(allowed), f"{name_of(file)}:{line} imports {module}"


def test_libraries_stay_in_their_rooms() -> None:
    for file in SOURCES:
        for module, line in imports(file):
            allowed = ONLY_IN.get(module.split(".")[0])
            assert allowed is None or name_of(file).startswith(allowed), f"{name_of(file)}:{line} imports {module}"


def test_the_core_has_no_clock_thread_loop_file_or_window() -> None:
    for file in SOURCES:
        name = name_of(file)
        if name.startswith(CORE) and not name.startswith("imu/feedback/audio/"):
            for module, line in imports(file):
                assert module.split(".")[0] not in NOT_IN_CORE, f"{name}:{line} imports {module}"


def test_only_the_command_line_prints() -> None:
    for file in SOURCES:
        name = name_of(file)
        if name.startswith(("imu/cli.py", "imu/commands/")) or name.endswith("__main__.py"):
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
            assert not called, f"{name}: print outside the command line"


def test_files_stay_readable() -> None:
    for file in SOURCES:
        lines = file.read_text("utf-8").count("\n")
        assert lines <= 320, f"{name_of(file)} has {lines} lines; make it two files"
