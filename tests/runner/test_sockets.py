"""Kernels are reached without ports: no two of them want the same one, however many start at the same moment."""

import socket
import stat
import tempfile
from pathlib import Path

import pytest

from satlib.runner.sockets import PrivateKernelManager

LONGEST_SOCKET = 103  # bytes of its name; macOS allows that many, Linux four more


@pytest.mark.parametrize("name", ["short", "a folder with a long name" * 5])
def test_sockets_lie_in_a_folder_of_their_own_that_goes_when_the_kernel_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / name))
    first, second = PrivateKernelManager(kernel_name="python3"), PrivateKernelManager(kernel_name="python3")
    folders = [Path(manager.connection_file).parent for manager in (first, second)]
    for manager, folder in zip((first, second), folders, strict=True):
        manager.write_connection_file()
        assert manager.transport == "ipc" and Path(f"{manager.ip}-{manager.shell_port}").parent == folder
        assert stat.S_IMODE(folder.stat().st_mode) & 0o777 == 0o700
        assert max(len(f"{manager.ip}-{port}") for port in manager.ports) <= LONGEST_SOCKET
        assert len(set(manager.ports)) == 5
    assert folders[0] != folders[1]
    first.cleanup_connection_file()
    assert [folder.exists() for folder in folders] == [False, True]
    second.cleanup_connection_file()
    assert not folders[1].exists()


def test_without_such_sockets_there_are_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_UNIX")
    assert PrivateKernelManager(kernel_name="python3").transport == "tcp"
