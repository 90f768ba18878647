"""What SIGTERM and SIGHUP do while a notebook runs."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM raise ``SystemExit(143)`` inside the context, so that kernels are ended and files closed; SIGHUP 129.

    SIGHUP comes when a terminal is closed. A signal that is ignored, as under nohup, stays so.

    Only the first one does, so that nothing interrupts the cleaning up. Outside the main thread, where Python delivers
    no signals, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    numbers = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]

    def leave(number: int, frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
