"""A process that has loaded what nearly every chapter loads, and becomes a chapter's kernel by a fork.

A kernel that starts anew takes three seconds to load torch, matplotlib and scipy; a fork of this process has them.
`forked_kernels` starts this file as a program, with one end of a socket pair as its only argument, and writes a line
of JSON for each wish: a command to become, or the number of a child to look at. The answer is a line, too. The program
ends when the other end of the socket is closed, and its children, which look for it, end as well.

Nothing is computed here before a fork: threads would not follow into the child.
"""

import gc
import json
import os
import runpy
import socket
import sys
from importlib import import_module
from typing import TypedDict

LOADED = (
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "ipywidgets",
    "matplotlib.pyplot",
    "plotly.graph_objects",
    "scipy.stats",
    "torch",
    "satlib.explore",
    "satlib.training",
)


class Wish(TypedDict):
    """What a child shall become."""

    command: list[str]
    """``python -m MODULE ...``"""
    environment: dict[str, str]
    folder: str


def answer_wishes(channel: socket.socket) -> Wish | None:
    """Fork for each wish until the channel is closed; return, in a child alone, what it shall become."""
    with channel, channel.makefile("rw", encoding="utf-8") as lines:
        for line in lines:
            asked = json.loads(line)
            if "child" in asked:
                answer = ended(asked["child"])
            else:
                wish: Wish = asked
                answer = os.fork()
                if answer == 0:
                    return wish
            print(json.dumps(answer), file=lines, flush=True)
    return None


def ended(child: int) -> int | None:
    """Return the exit code of a child, None while it runs."""
    pid, status = os.waitpid(child, os.WNOHANG)
    return None if pid == 0 else os.waitstatus_to_exitcode(status)


def become(wish: Wish, parent: int) -> None:
    """Run a command as this process, in a process group, environment and folder of its own.

    A kernel ends when its parent does.
    """
    os.setsid()
    os.chdir(wish["folder"])
    os.environ.clear()
    os.environ.update(wish["environment"], JPY_PARENT_PID=str(parent))
    sys.argv = wish["command"][2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def main() -> None:
    """Load, wait, fork."""
    for name in LOADED:
        import_module(name)
    gc.freeze()  # what is loaded stays shared with the children
    parent = os.getpid()  # a child may be left alone before it can ask
    wish = answer_wishes(socket.socket(fileno=int(sys.argv[1])))
    if wish is not None:
        become(wish, parent)


if __name__ == "__main__":
    main()
