"""Tables of the network outside of torch: as ONNX files, and in a browser. What they show was measured before.

Seconds and milliseconds are the least of some repetitions: what other work adds comes on top.
"""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from satlib.support.tables import table

Rows = Sequence[Mapping[str, Any]]


def files(networks: Rows) -> str:
    """Return a table of the ONNX files: bytes, and how far their pictures are from satlib's.

    ``networks`` are those of ``satlib.results.timings.results("onnx")``.
    """
    lines = []
    for network in networks:
        exact = [check["difference"] for check in network["checks"] if not check["tied"]]
        tied = [check["difference"] for check in network["checks"] if check["tied"]]
        sizes = (f"{network['bytes'][kind] / 1e6:.2f}&nbsp;MB" for kind in ("picture", "explore"))
        lines.append((f"`{network['name']}`", *sizes, _largest(exact), _largest(tied)))
    head = ("network", "file", "with `--explore`", "largest difference", "where a token nearly ties")
    return table(head, lines, align="lr")


def _largest(differences: Sequence[float]) -> str:
    return f"{max(differences):.1e}" if differences else "none does"


def seconds(networks: Rows) -> str:
    """Return a table of the CPU seconds of torch and of both files, at every size."""
    lines = []
    for network in networks:
        for row in network["rows"]:
            least = {way: min(row[way]) for way in ("torch", "picture", "explore")}
            shares = (f"{least[way]:.3f}" for way in least)
            ratio = f"{least['picture'] / least['torch']:.2f}"
            lines.append((f"`{network['name']}`", f"{row['side']} × {row['side']}", *shares, ratio))
    head = ("network", "pixels", "satlib, s", "the file, s", "with `--explore`, s", "file / satlib")
    return table(head, lines, align="lr")


def browsers(content: Mapping[str, Any]) -> str:
    """Return a table of the page "Try it" in browsers: milliseconds, the least and the median.

    ``content`` is ``satlib.results.timings.results("live")``.
    """
    found = content["browsers"]
    side = content["dropped"]
    names = {"start": "start", "drop": f"a picture of {side} × {side}, dropped, is shown"}
    lines = [(words, *(_both(browser[name]) for browser in found)) for name, words in names.items()]
    for i, row in enumerate(found[0]["rows"]):
        lines.append((f"{row['side']} × {row['side']}", *(_both(browser["rows"][i]["ms"]) for browser in found)))
    held = (f"{browser['rows'][-1]['mebibytes']}&nbsp;MiB" for browser in found)
    lines.append((f"memory at {found[0]['rows'][-1]['side']} × {found[0]['rows'][-1]['side']}", *held))
    lines.append(("what the page carries", *(f"{browser['bytes'] / 1e3:.0f}&nbsp;kB" for browser in found)))
    return table(("", *(f"{browser['name']} {browser['version']}" for browser in found)), lines, align="lr")


def _both(ms: Sequence[float]) -> str:
    return f"{min(ms):.0f} / {median(ms):.0f}&nbsp;ms"
