"""Tables of ONNX files and of the page "Try it": the numbers that were measured, each where it belongs."""

from satlib.figures.chapters import elsewhere

NETWORK = {
    "name": "sat-tiny-x4",
    "bytes": {"picture": 588_763, "explore": 568_111},
    "checks": [
        {"grid": [1, 1], "difference": 1.2e-7, "tied": False},
        {"grid": [31, 50], "difference": 1.8e-5, "tied": True},
        {"grid": [96, 72], "difference": 2.7e-7, "tied": False},
    ],
    "rows": [{"side": 64, "torch": [0.2, 0.1], "picture": [0.08, 0.09], "explore": [0.07, 0.3]}],
}
BROWSER = {
    "name": "Firefox",
    "version": "153.0",
    "bytes": 449_754,
    "start": [300, 500, 340],
    "drop": [900, 800, 1000],
    "rows": [{"side": 64, "ms": [120, 130, 180], "mebibytes": 18}, {"side": 96, "ms": [400], "mebibytes": 20}],
}


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


def test_a_file_has_its_size_and_its_differences() -> None:
    untied = {**NETWORK, "name": "sat-tiny-x2", "checks": NETWORK["checks"][:1]}
    assert cells(elsewhere.files([NETWORK, untied])) == [
        ["`sat-tiny-x4`", "0.59&nbsp;MB", "0.57&nbsp;MB", "2.7e-07", "1.8e-05"],
        ["`sat-tiny-x2`", "0.59&nbsp;MB", "0.57&nbsp;MB", "1.2e-07", "none does"],
    ]


def test_seconds_are_the_least() -> None:
    expected = ["`sat-tiny-x4`", "64 × 64", "0.100", "0.080", "0.070", "0.80"]
    assert cells(elsewhere.seconds([NETWORK])) == [expected]


def test_a_browser_is_a_column() -> None:
    text = elsewhere.browsers({"dropped": 96, "browsers": [BROWSER, {**BROWSER, "name": "Chromium", "start": [1]}]})
    assert "Firefox 153.0 " in text.splitlines()[0]
    assert cells(text) == [
        ["start", "300 / 340&nbsp;ms", "1 / 1&nbsp;ms"],
        ["a picture of 96 × 96, dropped, is shown", *["800 / 900&nbsp;ms"] * 2],
        ["64 × 64", *["120 / 130&nbsp;ms"] * 2],
        ["96 × 96", *["400 / 400&nbsp;ms"] * 2],
        ["memory at 96 × 96", *["20&nbsp;MiB"] * 2],
        ["what the page carries", *["450&nbsp;kB"] * 2],
    ]
