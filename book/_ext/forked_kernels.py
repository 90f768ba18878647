"""Kernels for the book's chapters, each a fork of one process that has loaded torch and its like (see `nursery`)."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import sleep
from typing import Any, cast

import nursery
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from satlib.runner.kernels import PreparedKernelManager


class Nursery:
    """The process, and the wishes that it is told. To be closed, which ends its kernels as well."""

    def __init__(self, environment: dict[str, str]) -> None:
        own, other = socket.socketpair()
        with other:
            self._process = subprocess.Popen(
                [sys.executable, "-P", nursery.__file__, str(other.fileno())],
                env={"MPLBACKEND": "module://matplotlib_inline.backend_inline", **environment},
                stdin=subprocess.DEVNULL,
                pass_fds=[other.fileno()],
            )
        self._channel = own
        self._lines = own.makefile("rw", encoding="utf-8")

    def ask(self, wish: dict[str, object]) -> int | None:
        """Return the answer to a wish.

        Raises
        ------
        RuntimeError
            If the process has ended.
        """
        try:
            print(json.dumps(wish), file=self._lines, flush=True)
            line = self._lines.readline()
        except OSError:
            line = ""
        if not line:
            raise RuntimeError(f"the process that chapters are forked from has ended, exit code {self._process.wait()}")
        answer: int | None = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        with suppress(OSError):  # a wish that could not be sent to a process that had ended
            self._lines.close()
        self._channel.close()
        self._process.wait()


class Fork:
    """A kernel's process, with what `subprocess.Popen` has for `LocalProvisioner`."""

    stdin = stdout = stderr = None

    def __init__(self, nursery: Nursery, command: list[str], environment: dict[str, str], folder: str) -> None:
        self._nursery = nursery
        self.returncode: int | None = None
        pid = nursery.ask({"command": command, "environment": environment, "folder": folder})
        assert pid is not None
        self.pid = pid

    def poll(self) -> int | None:
        """Return the exit code, None while the process runs."""
        if self.returncode is None:
            self.returncode = self._nursery.ask({"child": self.pid})
        return self.returncode

    def wait(self) -> int:
        """Wait for the exit code."""
        while (code := self.poll()) is None:
            sleep(0.02)
        return code

    def send_signal(self, signum: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, signum)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


class ForkedProvisioner(LocalProvisioner):
    """Starts a kernel by a fork."""

    nursery: Nursery

    async def launch_kernel(self, cmd: list[str], **kwargs: object) -> KernelConnectionInfo:
        """Fork; a kernel of another Python than this one is started."""
        if cmd[:2] != [sys.executable, "-m"]:
            return await super().launch_kernel(cmd, **kwargs)
        environment = kwargs["env"]
        assert isinstance(environment, dict)
        fork = Fork(self.nursery, cmd, environment, str(kwargs["cwd"]))
        self.process = cast("subprocess.Popen[bytes]", fork)
        self.pid = self.pgid = fork.pid
        self.cwd = kwargs["cwd"]
        return self.connection_info


@contextmanager
def kernel_managers(environment: dict[str, str]) -> Iterator[type[PreparedKernelManager]]:
    """Give a class of kernel managers, whose kernels are forks of one process until the block ends.

    That is so on Linux. The system libraries of others may not survive a fork; there, kernels are started.
    """
    if sys.platform != "linux":
        yield PreparedKernelManager
        return
    nursery = Nursery(environment)
    try:
        yield _forking(nursery)
    finally:
        nursery.close()


def _forking(nursery: Nursery) -> type[PreparedKernelManager]:
    class ForkedKernelManager(PreparedKernelManager):
        async def _async_pre_start_kernel(self, **options: object) -> tuple[list[str], dict[str, object]]:
            if self.provisioner is None:
                provisioner = ForkedProvisioner(kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self)
                provisioner.nursery = nursery
                self.provisioner = provisioner
            return await super()._async_pre_start_kernel(**cast("dict[str, Any]", options))

    return ForkedKernelManager
