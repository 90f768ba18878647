"""Stopping in time: on SIGTERM, SIGHUP and Ctrl-C, and before a time limit, always between two steps."""

import re
import signal
import threading
import time
from types import FrameType, TracebackType

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(text: str) -> float:
    """Return the seconds of "90", "90s", "9m", "1.5h", "2d" or "1h30m".

    Raises
    ------
    ValueError
        If it is none of them.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    raise ValueError(f"a duration is written as 90s, 9m, 1h30m or 2d, got {text!r}")


SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)]
"""Those that end a run; the last is what a terminal sends when it is closed, on systems that have it."""


class Stopper:
    """Notices that a run should end. A context manager: outside of it, signals do what they did before.

    Parameters
    ----------
    limit
        Seconds from now; None: no limit.
    """

    def __init__(self, limit: float | None = None) -> None:
        self.started = time.monotonic()
        self.limit = limit
        self.signal: int | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> "Stopper":
        """Take over `SIGNALS`, where this is the main thread; one that is ignored, as with `&` or nohup, stays so."""
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._notice)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler if callable(handler) or isinstance(handler, int) else signal.SIG_DFL)
        self._before.clear()

    def left(self) -> float:
        """Return the seconds that are left."""
        return float("inf") if self.limit is None else self.limit - (time.monotonic() - self.started)

    @property
    def noticed(self) -> str | None:
        """The name of the signal that came, or None."""
        return None if self.signal is None else signal.Signals(self.signal).name

    def reason(self, needed: float) -> str | None:
        """Return why to stop now, or None; ``needed`` are the seconds that the next step and a checkpoint take."""
        return self.noticed or ("time limit" if self.left() < needed else None)

    def _notice(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:  # the second Ctrl-C does not wait
            raise KeyboardInterrupt
        self.signal = number
