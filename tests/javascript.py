"""Functions of a JavaScript module, called from Python: in node where it is installed, else in headless Chromium.

Arguments and results are JSON; arrays of numpy become typed arrays, bytes become an ArrayBuffer, and typed arrays come
back as arrays.
"""

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from processes import start

from book.browser import CHROMIUM, FLAGS

ROOT = Path(__file__).parents[1]
NODE = shutil.which("node")
ADDRESS = "http://book.invalid/"

# Calls one function; what it throws comes back as its words. `bytes` is there in both, `Buffer` is not.
CALL = """
const kinds = { Float32Array, Float64Array, Int32Array, ArrayBuffer };
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const revive = (key, value) => {
    if (!value?.kind) return value;
    const { buffer } = bytes(value.bytes);
    return value.kind === "ArrayBuffer" ? buffer : new kinds[value.kind](buffer);
};
const pack = (key, value) => {
    if (!ArrayBuffer.isView(value)) return value;
    const { buffer, byteOffset, byteLength } = value;
    let text = "";
    for (const byte of new Uint8Array(buffer, byteOffset, byteLength)) text += String.fromCharCode(byte);
    return { kind: value.constructor.name, bytes: btoa(text) };
};
const call = async (module, name, text) => {
    try {
        const result = (await (await import(module))[name](...JSON.parse(text, revive))) ?? null;
        return JSON.stringify({ result }, pack);
    } catch (error) {
        return JSON.stringify({ error: `${error.name}: ${error.message}` });
    }
};
"""
LISTEN = """
import { createInterface } from "node:readline";
for await (const line of createInterface({ input: process.stdin })) {
    const { module, name, text } = JSON.parse(line);
    process.stdout.write(await call(module, name, text) + "\\n");
}
"""


class ThrownError(Exception):
    """What JavaScript has thrown."""


class Javascript:
    """An engine that stays."""

    def __call__(self, module: str, name: str, *arguments: Any) -> Any:
        """Call a function of a module, which is named from the root of the repository."""
        answer = json.loads(self.ask(module, name, json.dumps(arguments, default=_packed)), object_hook=_revived)
        if "error" in answer:
            raise ThrownError(answer["error"])
        return answer["result"]

    def ask(self, module: str, name: str, text: str) -> str:
        """Send the arguments, and return the answer, both as JSON."""
        raise NotImplementedError


class _Node(Javascript):
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def ask(self, module: str, name: str, text: str) -> str:
        assert self.process.stdin is not None and self.process.stdout is not None
        message = {"module": (ROOT / module).as_uri(), "name": name, "text": text}
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        return str(self.process.stdout.readline())


class _Chromium(Javascript):
    def __init__(self, page: Any) -> None:
        self.page = page

    def ask(self, module: str, name: str, text: str) -> str:
        source = f"([module, name, text]) => {{ {CALL} return call(module, name, text); }}"
        return str(self.page.evaluate(source, [ADDRESS + module, name, text]))


@contextmanager
def node() -> Iterator[Javascript]:
    """Start node."""
    assert NODE is not None
    command = [NODE, "--input-type=module", "--eval", CALL + LISTEN]
    with start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield _Node(process)


@contextmanager
def chromium() -> Iterator[Javascript]:
    """Start Chromium, on a page that has the repository's files beside it, without a server."""
    from playwright.sync_api import sync_playwright

    types = {".mjs": "text/javascript", "": "text/html"}

    def answer(route: Any) -> None:
        path = ROOT / route.request.url.removeprefix(ADDRESS)
        route.fulfill(body=path.read_bytes() if path.is_file() else b"", content_type=types[path.suffix])

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.route("**/*", answer)
        page.goto(ADDRESS)
        yield _Chromium(page)
        browser.close()


@contextmanager
def javascript() -> Iterator[Javascript]:
    """Start what there is; a test is skipped where there is neither."""
    if NODE is None and CHROMIUM is None:
        pytest.skip("neither node nor Chromium is on the path")
    with node() if NODE is not None else chromium() as engine:
        yield engine


def _packed(value: object) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"kind": "ArrayBuffer", "bytes": base64.b64encode(value).decode()}
    assert isinstance(value, np.ndarray), type(value)
    kind = value.dtype.name.title() + "Array"
    return {"kind": kind, "bytes": base64.b64encode(value.tobytes()).decode()}


def _revived(value: dict[str, Any]) -> Any:
    if "kind" not in value:
        return value
    dtype = value["kind"].removesuffix("Array").lower()
    return np.frombuffer(base64.b64decode(value["bytes"]), dtype)
