"""Downloads that resume: a file from an address to a path, whole and checked, or nothing at that path.

The bytes go to a file aside, ``NAME.part``. When the connection drops, or the program ends and is started again, the
rest is asked for (HTTP Range), provided that the server still has the same file. Whole and with the right size and
checksum, the part is renamed.
"""

import http.client
import json
import os
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import urlsplit

from satlib._version import __version__
from satlib.support.files import hash_file
from satlib.support.progress import Report

CHUNK = 1 << 18
MAX_SIZE = 1 << 36
"""Largest file that is taken when its size is not known beforehand: 64 GiB."""
WAITS = (1.0, 5.0, 20.0)
"""Seconds before each new try; more tries follow as long as each brings the file further."""
TEMPORARY = (408, 425, 429, 500, 502, 503, 504)
"""HTTP status codes after which trying again makes sense."""


class Receipt(NamedTuple):
    """What arrived."""

    size: int
    """Bytes."""
    sha256: str
    """Checksum, in lower-case hexadecimal digits."""


class _InterruptedError(OSError):
    """The connection failed in a way that may pass."""


def download(
    url: str,
    target: Path,
    *,
    size: int | None = None,
    sha256: str | None = None,
    report: Report,
    timeout: float = 30.0,
    waits: Sequence[float] = WAITS,
) -> Receipt:
    """Download a file.

    Parameters
    ----------
    url
        An http or https address.
    target
        Where the file goes; its folder exists. A file that is there is replaced.
    size, sha256
        What the file must have, where that is known.
    report
        Told the bytes that are here and their number, again and again; 0 for a number that is not known.
    timeout
        Seconds without a byte after which the connection counts as dropped.
    waits
        Seconds before each new try.

    Raises
    ------
    OSError
        If the server refuses, sends a web page or another size, or cannot be reached; if the disk is full (what has
        arrived is kept, and the next call goes on from there); and if the checksum is wrong (nothing is kept).
    ValueError
        For another kind of address.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError(f"only http and https addresses can be downloaded, got {url!r}")
    part = target.with_name(target.name + ".part")
    furthest, failures = _length(part), 0
    while True:
        try:
            _transfer(url, part, size, sha256 is not None, report, timeout)
            break
        except _InterruptedError as error:
            failures = 0 if _length(part) > furthest else failures + 1
            furthest = max(furthest, _length(part))
            if failures > len(waits):
                raise OSError(f"{url}: {error}; what has arrived is kept, try again later") from error
            time.sleep(waits[max(0, failures - 1)] if waits else 0)
    receipt = Receipt(_length(part), hash_file(part))
    if sha256 is not None and receipt.sha256 != sha256:
        _discard(part)
        raise OSError(f"{url}: the file has the checksum {receipt.sha256}, not {sha256}; it was not kept")
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(target)
    _discard(part)
    return receipt


def _transfer(url: str, part: Path, size: int | None, checked: bool, report: Report, timeout: float) -> None:
    """Bring ``part`` to its full length with one request, or raise _InterruptedError when the request ends early.

    ``checked``: a checksum will tell whether what was here and what comes now belong together.
    """
    have, validator = _beginning(part, url, checked)
    if have and have == size:
        return
    request = urllib.request.Request(
        url, headers={"User-Agent": f"satlib/{__version__}", "Accept-Encoding": "identity"}
    )
    if have:
        request.add_header("Range", f"bytes={have}-")
    if have and validator:
        request.add_header("If-Range", validator)
    try:
        with _connection(request, timeout) as response:
            start = _first_byte(url, response, have)
            total = _total(url, response, start, size)
            _check_space(part, total - start)
            _remember(part, url, response)
            with part.open("r+b" if start else "wb") as file:
                file.seek(start)
                _receive(response, file, start, total, report)
    except urllib.error.HTTPError as error:
        if error.code == 416 and error.headers.get("Content-Range") == f"bytes */{have}":
            return  # all of it is here
        if error.code == 416:
            _discard(part)
        elif error.code not in TEMPORARY:
            raise OSError(f"{url}: the server answers {error.code} {error.reason}") from error
        raise _InterruptedError(f"the server answers {error.code} {error.reason}") from error


@contextmanager
def _connection(request: urllib.request.Request, timeout: float) -> Iterator[http.client.HTTPResponse]:
    """Open a request; failures that may pass become _InterruptedError, HTTP status codes stay HTTPError."""
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            yield response
    except urllib.error.HTTPError:
        raise
    except urllib.error.URLError as error:
        raise _InterruptedError(f"the server cannot be reached ({error.reason})") from error
    except (TimeoutError, ConnectionError, ssl.SSLError, http.client.HTTPException) as error:
        raise _InterruptedError(f"the connection dropped ({type(error).__name__})") from error


def _first_byte(url: str, response: http.client.HTTPResponse, have: int) -> int:
    """Return the offset at which the content starts: ``have`` if the server goes on from there, else 0."""
    if response.status != 206:
        return 0
    content = response.headers.get("Content-Range", "")
    if not content.startswith(f"bytes {have}-"):
        raise OSError(f"{url}: asked for bytes from {have} on, the server sends {content!r}")
    return have


def _total(url: str, response: http.client.HTTPResponse, start: int, size: int | None) -> int:
    """Return the length that the whole file will have, 0 if unknown, after holding it against ``size``."""
    if response.headers.get_content_type() == "text/html":
        raise OSError(f"{url}: the server sends a web page, not the file")
    length = response.headers.get("Content-Length", "")
    total = start + int(length) if length.isdigit() else 0
    if size is not None and total and total != size:
        raise OSError(f"{url}: the server offers {total} bytes, but the file has {size}")
    return size or total


def _check_space(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise OSError(f"{part.parent} has {free} bytes free, and {needed} are to come")


def _receive(response: http.client.HTTPResponse, file: BinaryIO, start: int, total: int, report: Report) -> None:
    """Append the content to ``file``, up to ``total`` bytes in all (0: until it ends)."""
    have = start
    report(have, total)
    while chunk := response.read(CHUNK):
        _write(file, chunk)
        have += len(chunk)
        if have > (total or MAX_SIZE):
            raise OSError(f"{response.url}: more than {total or MAX_SIZE} bytes came")
        report(have, total)
    if have < total:
        raise _InterruptedError(f"the connection closed after {have} of {total} bytes")


def _write(file: BinaryIO, chunk: bytes) -> None:
    """Write and flush, so that a full disk shows here and not when the file is closed."""
    try:
        file.write(chunk)
        file.flush()
    except OSError as error:
        raise OSError(f"{file.name} cannot be written: {error.strerror}; what has arrived is kept") from error


def _remember(part: Path, url: str, response: http.client.HTTPResponse) -> None:
    """Note beside ``part`` which version of which file it is a beginning of."""
    tag = response.headers.get("ETag", "")
    validator = response.headers.get("Last-Modified", "") if tag.startswith("W/") or not tag else tag
    _note(part).write_text(json.dumps({"url": url, "validator": validator}))


def _beginning(part: Path, url: str, checked: bool) -> tuple[int, str]:
    """Return how many bytes of the file are here to go on from, and what the server called its version.

    A part of another address, one without a note, and one of which nothing could tell whether the server has another
    version by now, count for nothing.
    """
    try:
        note = json.loads(_note(part).read_text())
        validator = str(note["validator"])
        usable = note["url"] == url and (validator or checked)
    except (OSError, ValueError, KeyError, TypeError):
        return 0, ""
    return (_length(part), validator) if usable else (0, "")


def _note(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
