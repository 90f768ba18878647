"""Build sat.wasm from the C files beside it with the C compiler of the package ``ziglang``; ``make live`` does it.

The same version of the compiler gives the same bytes on every machine; constraints.txt has the version, and a test
builds the file again. `build` also makes the checked form that the tests use, whose every load and store is looked at.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
OPERATIONS = ("sat.c", "attention.c", "dta.c")

MEMORY = 512 * 2**20
"""What sat.wasm may grow to, in bytes: 256 x 256 pixels take the bundled networks about a fourth of it."""
CHECKED_MEMORY = 64 * 2**20

TARGET = ["--target=wasm32-freestanding", "-msimd128", "-ffp-contract=off", "-fno-sanitize=all"]
STRICT = [
    "-std=c17",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wno-sign-conversion",
    "-Wno-implicit-int-float-conversion",
    "-Wshadow",
    "-Werror",
]
LINKED = ["-nostdlib", "-Wl,--no-entry", "-Wl,-z,stack-size=65536", "-Wl,--strip-all"]
WATCHED = ["-O1", "-fno-builtin", "-DCHECKED", "-fsanitize-coverage=trace-loads,trace-stores,trace-pc,bb"]
"""No builtins: a loop that copies stays one, and its loads and stores are seen."""


def build(target: Path, *, checked: bool = False) -> None:
    """Write the module; CalledProcessError, with the compiler's words, where it finds an error or warns."""
    with tempfile.TemporaryDirectory() as folder:
        objects = []
        for name in (*OPERATIONS, "checks.c") if checked else OPERATIONS:
            objects.append(str(Path(folder, name).with_suffix(".o")))
            way = WATCHED if checked and name in OPERATIONS else ["-O3"]
            _compile([*TARGET, *STRICT, *way, "-c", name, "-o", objects[-1]])
        limit = CHECKED_MEMORY if checked else MEMORY
        linked = Path(folder, "sat.wasm")
        _compile([*TARGET, *LINKED, f"-Wl,--max-memory={limit}", *objects, "-o", str(linked)])
        target.write_bytes(linked.read_bytes())


def _compile(arguments: list[str]) -> None:
    subprocess.run(
        [sys.executable, "-m", "ziglang", "cc", *arguments], cwd=HERE, check=True, capture_output=True, text=True
    )


if __name__ == "__main__":
    build(HERE / "sat.wasm")
