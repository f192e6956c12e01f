"""`python -m firmware_sim`: as a user starts it, and as the shipped client talks to it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bumble.device import Device, DeviceConfiguration
from bumble.hci import Address
from bumble.host import Host
from bumble.transport import open_transport
from firmware_bench import CENTRAL, connect

from firmware_sim.__main__ import main
from firmware_sim.faults import Fault, parse_fault
from firmware_sim.script import Script, make_script
from imu.ble import SensorNetwork
from imu.ble.profiles import make_decoder
from imu.conventions import CORE_SEGMENTS

ANY_PORT = "tcp-server:127.0.0.1:0"
LIMIT_S = 30.0


@contextlib.contextmanager
def simulator(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The process and its port."""
    command = [sys.executable, "-m", "firmware_sim", "--hci", ANY_PORT, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            word, port = process.stdout.readline().split()
            assert word == "READY"
            yield process, int(port)
        finally:
            process.stdin.close()
            try:
                process.wait(LIMIT_S)
            finally:
                process.kill()


def one_line(error_stream: str) -> str:
    lines = error_stream.splitlines()
    assert len(lines) == 1
    return lines[0]


def test_the_shipped_client_streams_all_five_sensors_and_the_plan_is_written(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"

    async def talk(port: int) -> dict[str, int]:
        network = SensorNetwork(f"bumble:tcp-client:127.0.0.1:{port}", search_s=10.0, expected=5)
        try:
            setups = await network.open()
            assert tuple(s.segment for s in setups) == CORE_SEGMENTS
            decoders = {s.sensor: make_decoder(s) for s in setups}
            samples = dict.fromkeys(decoders, 0)
            lost = dict.fromkeys(decoders, 0)
            enough = asyncio.Event()

            def deliver(sensor: str, data: bytes, t_host_ns: int) -> None:
                packet = decoders[sensor].decode(data, t_host_ns)
                if packet is not None:
                    samples[sensor] += len(packet)
                    lost[sensor] += int(packet.lost.sum())
                    if min(samples.values()) >= 200:
                        enough.set()

            await network.start(deliver, lambda _report: None)
            await asyncio.wait_for(enough.wait(), LIMIT_S)
            return lost
        finally:
            await network.close()

    with simulator("--seed", "3", "--seconds", "60", "--script", str(plan)) as (process, port):
        assert Script.from_json(plan.read_text()) == make_script(3, 60.0)
        lost = asyncio.run(talk(port))
        assert lost == dict.fromkeys(lost, 0)
    assert process.returncode == 0


def test_it_serves_the_next_client_when_one_has_died() -> None:
    """A client that is killed says nothing; its links end by supervision and the sensors advertise again."""

    async def adapter(port: int) -> tuple[Device, asyncio.Transport]:
        transport = await open_transport(f"tcp-client:127.0.0.1:{port}")
        config = DeviceConfiguration(name="central", address=Address(CENTRAL), keystore=None)
        device = Device(config=config, host=Host(transport.source, transport.sink))
        await device.power_on()
        return device, transport.sink.transport  # pyright: ignore

    async def talk(port: int) -> None:
        for _ in range(2):
            device, wire = await adapter(port)
            await asyncio.wait_for(connect(device, "C4:1A:00:00:51:A0", supervision_ms=300.0), LIMIT_S)
            wire.abort()

    with simulator("--sensors", "pelvis", "--per", "0") as (process, port):
        asyncio.run(talk(port))
    assert process.returncode == 0


def test_a_second_client_is_refused() -> None:
    async def talk(port: int) -> None:
        _, first = await asyncio.open_connection("127.0.0.1", port)
        reader, second = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(ConnectionError):  # hung up, in one way or the other
            assert await asyncio.wait_for(reader.read(), LIMIT_S) == b""
        for writer in (first, second):
            writer.close()

    with simulator("--sensors", "pelvis") as (_process, port):
        asyncio.run(talk(port))


def test_it_ends_when_it_is_told_to() -> None:
    with simulator() as (process, _port):
        process.terminate()
        assert process.wait(LIMIT_S) == 0


def test_it_ends_with_the_program_that_started_it() -> None:
    code = (
        "import subprocess, sys, time\n"
        f"p = subprocess.Popen([sys.executable, '-m', 'firmware_sim', '--hci', '{ANY_PORT}'], stdin=subprocess.PIPE,"
        " stdout=sys.stdout)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline().startswith("READY")
        starter.kill()
        # the grandchild holds the other end of this pipe: it is read to its end when that process has gone
        assert starter.stdout.read() == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--hci", "9100"], "tcp-server:127.0.0.1:PORT"),
        (["--hci", "tcp-server:0.0.0.0:0"], "this computer only"),
        (["--hci", ANY_PORT, "--seconds", "5"], "give at least"),
        (["--hci", ANY_PORT, "--seconds", "inf"], "--seconds"),
        (["--hci", ANY_PORT, "--sensors", "pelvis,elbow"], "'elbow' cannot wear a sensor; there are: pelvis"),
        (["--hci", ANY_PORT, "--sensors", "pelvis,pelvis"], "named twice"),
        (["--hci", ANY_PORT, "--per", "2"], "between 0 and 1"),
        (["--hci", ANY_PORT, "--fault", "t=3 explode pelvis"], "there are: away, power, drop"),
        (["--hci", ANY_PORT, "--fault", "t=3 drop pelvis", "--sensors", "thigh_left"], "pelvis wears no sensor"),
    ],
)
def test_bad_input_gives_one_line(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert words in one_line(capsys.readouterr().err)


def test_a_port_in_use_gives_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "firmware_sim", "--hci", f"tcp-server:127.0.0.1:{port}"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S)
    assert (done.returncode, done.stdout) == (2, "")
    line = one_line(done.stderr)
    assert f"cannot listen on 127.0.0.1:{port}" in line
    assert "choose another port" in line


def test_a_file_that_is_no_script_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    precious = tmp_path / "precious.json"
    precious.write_text("{}")
    assert main(["--hci", ANY_PORT, "--script", str(precious)]) == 2
    assert "left alone" in one_line(capsys.readouterr().err)
    assert precious.read_text() == "{}"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("t=20 drop shank_left", Fault(20.0, "drop", "shank_left", 0.0)),
        ("t=1.5 away pelvis 6", Fault(1.5, "away", "pelvis", 6.0)),
        ("t=0 power thigh_right", Fault(0.0, "power", "thigh_right", 2.0)),
    ],
)
def test_faults_are_read(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault
    assert parse_fault(str(fault)) == fault


@pytest.mark.parametrize(
    "text", ["", "drop pelvis", "t=x drop pelvis", "t=-1 drop pelvis", "t=1 drop pelvis for=5", "t=nan drop pelvis"]
)
def test_other_words_are_no_faults(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a (fault|time)"):
        parse_fault(text)
