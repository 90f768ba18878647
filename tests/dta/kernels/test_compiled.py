"""The kernels compile for GPUs, which takes no GPU: no atomics, no TF32, registers and shared memory suffice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPT = """
import json, os, re, subprocess, sys, tempfile
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from satlib.dta.kernels import largest, merging, nearest, segments
from satlib.dta.kernels.tiles import CHANNELS, COLUMNS, ROWS, WARPS

PTXAS = os.path.join(os.path.dirname(triton.__file__), "backends", "nvidia", "bin", "ptxas")
TILE = dict(tile_rows=ROWS, tile_columns=COLUMNS, step=CHANNELS)
members, width = segments.tile_shape(228)
half = segments.tile_shape(228, segments.TILE // 2)[0]
MEMBERS = dict(members=members, width=width)
PIECE = dict(size=segments.PIECE, **MEMBERS)

def look(function, types, warps, constants):
    kinds = {"f": "*fp32", "l": "*i64", "i": "i32", "s": "fp32"}
    types = iter(types)
    signature = {n: "constexpr" if n in constants else kinds[next(types)] for n in function.arg_names}
    aligned = {(i,): [["tt.divisibility", 16]] for i, t in enumerate(signature.values()) if t[0] == "*"}
    source = ASTSource(function, signature, constants, aligned)
    compiled = triton.compile(source, target=GPUTarget("cuda", int(sys.argv[1]), 32), options={"num_warps": warps})
    ptx = compiled.asm["ptx"]
    with tempfile.NamedTemporaryFile("w", suffix=".ptx") as file:
        file.write(ptx)
        file.flush()
        target = re.search(r"[.]target (sm_[0-9]+a?)", ptx)[1]
        command = [PTXAS, "-v", "--gpu-name=" + target, file.name, "-o", os.devnull]
        report = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return {
        "atomics": re.findall(r"(?<![a-z.])(?:atom|red)[.].*", ptx), "tensor cores": re.findall(r".*mma.*", ptx),
        "approximate": re.findall(r"(?:sqrt|div)[.](?:approx|full).*", ptx),
        "spilled": sum(map(int, re.findall(r"([0-9]+) bytes spill", report))),
        "registers": int(re.search(r"Used ([0-9]+) registers", report)[1]), "shared": compiled.metadata.shared,
    }

ONES = dict(n_rows=1, n_columns=1, n_channels=1)  # Triton compiles another kernel where a size is 1
JOBS = {
    "nearest tokens": (nearest._nearest, "ffflii" "ii", WARPS, dict(rule="tokens", **TILE)),
    "nearest before": (nearest._nearest, "ffflii" "ii", WARPS, dict(rule="before", **TILE)),
    "nearest others, sizes 1": (nearest._nearest, "fffli", WARPS, dict(rule="others", **ONES, **TILE)),
    "similarities": (largest._similarities, "ffiiii", WARPS, TILE),
    "mean of largest": (largest._mean_of_largest, "ffiii", WARPS, dict(together=largest.TOGETHER, lanes=largest.LANES)),
    "sum of a piece": (segments._sum_piece, "ffllllfii", 4, PIECE),
    "sum of a piece, one channel": (segments._sum_piece, "ffllllfi", 4, dict(PIECE, n_channels=1, members=16, width=1)),
    "sum of pieces": (segments._sum_pieces, "flfi", 4, MEMBERS),
    "merge of a piece": (merging._merge_piece, "flllllfffiis", 4, PIECE),
    "merge of pieces": (merging._merge_pieces, "ffflffi", 4, MEMBERS),
    "gradient": (merging._merge_gradient, "fllfffffiis", 4, dict(members=half, width=width)),
}
print(json.dumps({name: look(*job) for name, job in JOBS.items()}))
"""
NAMES = [
    "nearest tokens",
    "nearest before",
    "nearest others, sizes 1",
    "similarities",
    "mean of largest",
    "sum of a piece",
    "sum of a piece, one channel",
    "sum of pieces",
    "merge of a piece",
    "merge of pieces",
    "gradient",
]


@pytest.fixture(scope="module", params=["80", "90"])
def compiled(request, tmp_path_factory):
    """What the compiler says of each kernel for one compute capability, with C = 228."""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment |= {"TRITON_CACHE_DIR": str(tmp_path_factory.mktemp("cache"))}
    environment |= {"PYTHONPATH": str(Path(__file__).parents[3])}
    file = tmp_path_factory.mktemp("script") / "compile_kernels.py"
    file.write_text(SCRIPT)
    command = [sys.executable, str(file), request.param]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert sorted(found) == sorted(NAMES)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_kernel_compiles_for_a_gpu(compiled, name):
    found = compiled[name]
    assert found["atomics"] == found["tensor cores"] == []
    assert found["spilled"] == 0 and found["registers"] <= 255
    assert found["shared"] <= 48 * 1024  # what every GPU gives a program


def test_lengths_are_rounded_correctly_where_tokens_are_compared(compiled):
    assert compiled["nearest tokens"]["approximate"] == []
