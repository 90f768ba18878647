"""Firefox without a window, driven by WebDriver BiDi: a web socket on which it takes commands and tells of events.

Debian's Firefox speaks it by itself. Playwright would need a Firefox of its own.
"""

import json
import shutil
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from websocket import WebSocket, create_connection

FIREFOX = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
"""The program; None if there is none on the path."""

PATIENCE = 600.0
"""Seconds to wait for an answer: reached only where it never comes."""

Json = None | bool | int | float | str | list[Any] | dict[str, Any]

RIGHT, DOWN = "\ue014", "\ue015"
"""Arrow keys."""

LISTENING = "WebDriver BiDi listening on "
NO_REQUESTS = {
    "app.normandy.enabled": False,
    "browser.safebrowsing.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": False,
    "messaging-system.rsexperimentloader.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#none",
}
"""What keeps the program from asking other hosts for something by itself."""

# Calls a function of JSON, and makes JSON of what it gives.
CALL = "async (text) => JSON.stringify((await (%s)(...JSON.parse(text))) ?? null)"
THERE = """(selector) => new Promise((resolve) => {
    const look = () => document.querySelector(selector) && (watching.disconnect(), resolve(true));
    const watching = new MutationObserver(look);
    watching.observe(document, { subtree: true, childList: true, attributes: true });
    look();
})"""
# Middle of an element in the window, in pixels.
MIDDLE = """(selector, across, down) => {
    const element = document.querySelector(selector);
    element.scrollIntoView({ block: "center" });
    const box = element.getBoundingClientRect();
    return [box.left + across * box.width, box.top + down * box.height].map(Math.round);
}"""


class Firefox:
    """A running program.

    Parameters
    ----------
    socket
        The connection to it.
    """

    def __init__(self, socket: WebSocket) -> None:
        self.socket, self.sent = socket, 0
        self.tabs: dict[str, Tab] = {}
        self.ask("session.new", {"capabilities": {}})
        self.ask("session.subscribe", {"events": ["log.entryAdded", "network.beforeRequestSent"]})

    def ask(self, method: str, given: dict[str, Any]) -> dict[str, Any]:
        """Send a command, and return its answer; events that come before it go to their tabs.

        Raises
        ------
        RuntimeError
            If Firefox answers with an error.
        """
        self.sent += 1
        self.socket.send(json.dumps({"id": self.sent, "method": method, "params": given}))
        while (message := json.loads(self.socket.recv())).get("id") != self.sent:
            self.heard(message.get("method"), message.get("params", {}))
        if message["type"] == "error":
            raise RuntimeError(f"{method}: {message['error']}: {message['message']}")
        result: dict[str, Any] = message["result"]
        return result

    def heard(self, event: str, told: dict[str, Any]) -> None:
        """Note a request or an error of a tab."""
        tab = self.tabs.get(told.get("context") or told.get("source", {}).get("context", ""))
        if tab is None:
            return
        if event == "network.beforeRequestSent":
            tab.requests.append(told["request"]["url"])
        elif told.get("level") == "error":
            tab.errors.append(told["text"])

    @contextmanager
    def tab(self) -> "Iterator[Tab]":
        """Open a tab, and close it."""
        context = self.ask("browsingContext.create", {"type": "tab"})["context"]
        self.tabs[context] = Tab(self, context)
        try:
            yield self.tabs[context]
        finally:
            self.ask("browsingContext.close", {"context": context})
            del self.tabs[context]


class Tab:
    """A tab: `requests` are the addresses that it has asked for, `errors` what its console says is wrong."""

    def __init__(self, firefox: Firefox, context: str) -> None:
        self.firefox, self.context = firefox, context
        self.requests: list[str] = []
        self.errors: list[str] = []

    def ask(self, method: str, given: dict[str, Any]) -> dict[str, Any]:
        """Send a command about this tab."""
        return self.firefox.ask(method, {"context": self.context, **given})

    def goto(self, url: str) -> None:
        """Load a page whole."""
        self.ask("browsingContext.navigate", {"url": url, "wait": "complete"})

    def call_first(self, function: str) -> None:
        """Let each page that is loaded from now on call a JavaScript function before anything else."""
        self.firefox.ask("script.addPreloadScript", {"functionDeclaration": function, "contexts": [self.context]})

    def evaluate(self, function: str, *arguments: Json) -> Json:
        """Call a JavaScript function in the page and return what it, or its promise, gives.

        Raises
        ------
        RuntimeError
            If the function throws an error.
        """
        given = {
            "functionDeclaration": CALL % function,
            "arguments": [{"type": "string", "value": json.dumps(arguments)}],
            "awaitPromise": True,
            "target": {"context": self.context},
        }
        done = self.firefox.ask("script.callFunction", given)
        if done["type"] == "exception":
            raise RuntimeError(done["exceptionDetails"]["text"])
        result: Json = json.loads(done["result"]["value"])
        return result

    def wait_for(self, selector: str) -> None:
        """Wait until the page has an element that the selector fits."""
        self.evaluate(THERE, selector)

    def click(self, selector: str, across: float = 0.5, down: float = 0.5) -> None:
        """Press the mouse on an element, at a share of its width and of its height."""
        middle = self.evaluate(MIDDLE, selector, across, down)
        assert isinstance(middle, list)
        x, y = middle
        press = [{"type": f"pointer{way}", "button": 0} for way in ("Down", "Up")]
        self._act({"type": "pointer", "id": "mouse", "actions": [{"type": "pointerMove", "x": x, "y": y}, *press]})

    def press(self, selector: str, key: str) -> None:
        """Press a key while an element has the focus; WebDriver has letters for keys that write none (`RIGHT`)."""
        self.evaluate("(selector) => document.querySelector(selector).focus()", selector)
        self._act(
            {"type": "key", "id": "keys", "actions": [{"type": f"key{way}", "value": key} for way in ("Down", "Up")]}
        )

    def _act(self, source: dict[str, Any]) -> None:
        self.ask("input.performActions", {"actions": [source]})

    def choose_file(self, selector: str, path: Path) -> None:
        """Choose a file in a field of a form."""
        (field,) = self.ask("browsingContext.locateNodes", {"locator": {"type": "css", "value": selector}})["nodes"]
        self.ask("input.setFiles", {"element": {"sharedId": field["sharedId"]}, "files": [str(path)]})


@contextmanager
def firefox() -> Iterator[Firefox]:
    """Start Firefox with a profile that is empty and does not stay.

    Raises
    ------
    OSError
        If there is none, or it ends before it listens.
    """
    if FIREFOX is None:
        raise OSError("no Firefox on the path")
    with tempfile.TemporaryDirectory(prefix="firefox", ignore_cleanup_errors=True) as profile:
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in NO_REQUESTS.items())
        Path(profile, "user.js").write_text("".join(lines))
        command = [FIREFOX, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stderr is not None
                line = next((line for line in process.stderr if line.startswith(LISTENING)), None)
                if line is None:
                    raise OSError(f"{FIREFOX} ended before it listened")
                threading.Thread(
                    target=deque, args=(process.stderr, 0), daemon=True
                ).start()  # or it waits for a reader
                address = f"{line.removeprefix(LISTENING).strip()}/session"
                with closing(create_connection(address, timeout=PATIENCE, suppress_origin=True)) as socket:
                    running = Firefox(socket)
                    yield running
                    running.ask("browser.close", {})
                    process.wait(PATIENCE)
            finally:
                process.kill()
