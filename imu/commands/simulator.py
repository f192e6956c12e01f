"""The simulated sensors as a child process: started, listened to, ended."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from imu.errors import ImuError

READY_S, END_S = 30.0, 5.0


class Simulator:
    """`python -m firmware_sim` until the end of the `with` block.

    It writes `READY <port>` when its Bluetooth controller listens and `FINISHED` when the script has been performed. Its
    standard input is a pipe: when this process dies, even by kill -9, the pipe closes and the child ends itself.

    Parameters
    ----------
    plan : Path
        File to which it writes the script that it performs, as JSON, before READY.
    seconds, seed
        Length of the performance and what varies it.
    port : int
        TCP port of the controller on the loopback interface; 0 = a free one.
    faults : sequence of str
        What goes wrong and when, in the words of `firmware_sim`.
    drill : sequence of str
        What is performed: its arguments, such as --drill walk_cadence --cadence 110.
    """

    def __init__(
        self, plan: Path, seconds: float, seed: int, port: int, faults: Sequence[str] = (), drill: Sequence[str] = ()
    ) -> None:
        self._command = [sys.executable, "-m", "firmware_sim", "--hci", f"tcp-server:127.0.0.1:{port}"]
        self._command += ["--seed", str(seed), "--seconds", str(seconds), "--script", str(plan), *drill]
        for fault in faults:
            self._command += ["--fault", fault]
        self.port = port
        self.finished = False
        """The script was performed to its end."""
        self.died = False
        """The process ended before that, and not because it was asked to."""
        self._asked_to_end = False
        self.on_end: Callable[[], None] | None = None
        """Called once, from another thread, when the script or the process has ended."""
        self._said: list[str] = []
        self._ready = threading.Event()

    @property
    def backend(self) -> str:
        """For `imu.ble`: where the controller is."""
        return f"bumble:tcp-client:127.0.0.1:{self.port}"

    def __enter__(self) -> Simulator:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
        )
        self._listener = threading.Thread(target=self._listen, name="imu-simulator", daemon=True)
        self._listener.start()
        if not self._ready.wait(READY_S) or self.port == 0 or self._process.poll() is not None:
            self.__exit__(None, None, None)
            raise ImuError(self._said[-1] if self._said else "the simulated sensors did not start; try again with -v")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.on_end = None
        self._asked_to_end = True
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join(END_S)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                word, _, rest = line.strip().partition(" ")
                if word == "READY":
                    self.port = int(rest)
                    self._ready.set()
                elif word == "FINISHED":
                    self.finished = True
                    self._end()
                elif line.strip():
                    self._said.append(line.strip().removeprefix("firmware_sim: "))
        self.died = not self.finished and not self._asked_to_end
        self._ready.set()
        self._end()

    def _end(self) -> None:
        if self.on_end is not None:
            self.on_end()
            self.on_end = None
