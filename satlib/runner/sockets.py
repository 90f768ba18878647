"""Kernels that are reached through sockets in a folder of their own instead of ports.

A kernel manager looks for free ports, lets go of them, and tells their numbers to the kernel, which opens them a
second later. In between every other process may be given one of them; of kernels that start at the same moment, one
then dies with "Address already in use". Nobody is given a place in a folder that nobody else knows.
"""

import os
import shutil
import socket
import weakref
from pathlib import Path
from tempfile import gettempdir, mkdtemp

from jupyter_client.manager import AsyncKernelManager

LONGEST = 60
"""Bytes of a temporary folder's name that leave room for the socket's: the system allows 103 in all."""


class PrivateKernelManager(AsyncKernelManager):
    """A kernel manager that needs no port; where a system has no such sockets, it takes ports as any other."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        if hasattr(socket, "AF_UNIX"):
            folder = _folder()
            self.transport = "ipc"
            self.connection_file = str(Path(folder, "kernel.json"))  # the sockets lie beside it
            self._remove_folder = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def cleanup_connection_file(self) -> None:
        """Remove the connection file, and the folder with it: the kernel has ended."""
        super().cleanup_connection_file()
        if self.transport == "ipc":
            self._remove_folder()


def _folder() -> str:
    """Return a new folder that only this user can enter and whose name is short enough for sockets."""
    return mkdtemp(prefix="satlib-", dir="/tmp" if len(os.fsencode(gettempdir())) > LONGEST else None)
