"""The standard streams of a program: what cannot be printed ends it quietly or is left out, never with a traceback.

`guard` is called by the program alone; the library prints nothing.

* A file name that is no text in the stream's encoding is printed with escapes.
* Where nobody reads stdout any more, as after ``| head``, the program ends as if the signal for it had ended it. Where
  stdout cannot be written for another reason, as on a full disk, it says so and ends.
* What cannot be written to stderr is left out: a terminal that was closed does not stop what works on.
* A stream that was closed from the beginning is /dev/null, so that no file of the program takes its number.
"""

import errno
import io
import os
import sys
from typing import Any, TextIO

NO_READER = 141
"""Exit code where nobody reads: that of a process which SIGPIPE has ended, as shells tell it."""

UNWRITABLE = 1
"""Exit code where stdout cannot be written for another reason."""


def guard() -> None:
    """Guard the streams of this process, from now on."""
    for number in range(3):
        _fill(number)
    if sys.platform != "win32":  # whose consoles are no files
        sys.stdout = _Stdout(_bytes(1), **_settings(sys.stdout))
        sys.stderr = _Stderr(_bytes(2), **_settings(sys.stderr))


class _Stdout(io.TextIOWrapper):
    """Stdout, which ends the program where it cannot be written."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise self._end(error) from None

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise self._end(error) from None

    def _end(self, error: OSError) -> SystemExit:
        """Return how the program ends; what is still buffered goes to /dev/null."""
        _forget(self.fileno())
        if error.errno == errno.EPIPE:
            return SystemExit(NO_READER)
        sys.stderr.write(f"satlib: cannot write to stdout: {error.strerror}\n")
        return SystemExit(UNWRITABLE)


class _Stderr(io.TextIOWrapper):
    """Stderr, which leaves out what it cannot write."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError:
            _forget(self.fileno())
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            _forget(self.fileno())


def _forget(number: int) -> None:
    """Let a stream end in /dev/null from now on, and with it what it has buffered."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)


def _fill(number: int) -> None:
    """Open /dev/null under the number of a stream that is closed."""
    try:
        os.fstat(number)
    except OSError:
        os.open(os.devnull, os.O_RDWR)  # takes the lowest free number


def _bytes(number: int) -> io.BufferedWriter:
    return io.BufferedWriter(io.FileIO(number, "w", closefd=False))


def _settings(stream: TextIO | None) -> dict[str, Any]:
    """Return how text becomes bytes: in the encoding of the stream before, escaped where it has no such letters."""
    encoding = "utf-8" if stream is None else stream.encoding
    return {"encoding": encoding, "errors": "backslashreplace", "line_buffering": True}
