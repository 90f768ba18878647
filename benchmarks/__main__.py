"""`python -m benchmarks PROGRAM [OPTIONS]`: measure something and write its results.

cpu          the dense form against satlib, operation by operation: the ratios that the project has set itself
sweep        time and memory against the number of tokens
profile      where a forward pass spends its time, dense and as satlib runs it
roofline     rates of this machine, and how far every stage of a block is from them
peers        other networks beside SAT, in seconds; needs the extra `peers`
beside       programs alone and beside busy ones, one thread and two; --before FOLDER: and another checkout
spins        how often threads should look before they sleep, alone and beside others; --rounds N
whole        one large image through the light network
memory       what a process grows by in a forward pass, beside the formula
precision    what bfloat16 changes, on trained weights; on a GPU if there is one
step         a training step as it is, and in ways that could be faster; its share of the machine's rate
merging      token merging by DTA and by bipartite matching: errors on two kinds of networks, time, memory
gpu          everything that is measured on a GPU, in under ten minutes; peers need the extra `peers`
trials       collects a batch of trainings: OUT --to FILE
corruption   damaged image files of all formats, each upscaled: never more than a clear error; two minutes
kills        processes that are killed at random moments: nothing half-written, the next call works; --kills N
full         a disk that is full at every write, two processes with one folder: one line that names the file; --steps N
edges        Fig. D by number, on images of test sets: --set NAME=FOLDER
convolutional  keeps the network that is trained to be compared with SAT, and measures both: RUN --set NAME=FOLDER
degraded     bicubic and networks on degraded photographs: --set NAME=FOLDER
options      Tables F and H at inference, on test sets: --set NAME=FOLDER
reports      what the SAA layers of the bundled networks do: layers one by one, controls, K/N
onnx         the bundled networks in torch and as ONNX files: bytes, agreement, CPU seconds; needs the extra `onnx`
live         the page "Try it" in headless browsers: start, runs, from a dropped picture to its result; --anyway
newcomer     from `git clone` by `make lab` to the first picture changed by a knob, with a stop-watch; --anyway
count-peers  other networks' multiply-adds, for satlib/results/paper; needs the extra `peers`
"""

import sys
from importlib import import_module

from satlib.support.environment import prepare

PROGRAMS = {
    "cpu": "cpu",
    "sweep": "sweep",
    "profile": "profile",
    "roofline": "roofline",
    "peers": "peers_time",
    "beside": "beside",
    "spins": "spins",
    "whole": "whole",
    "memory": "memory",
    "precision": "precision",
    "step": "step",
    "merging": "merging",
    "gpu": "gpu",
    "trials": "trials",
    "corruption": "corruption",
    "kills": "kills",
    "full": "full",
    "edges": "edges",
    "convolutional": "convolutional",
    "degraded": "degraded",
    "options": "options",
    "reports": "reports",
    "onnx": "onnx_time",
    "live": "live",
    "newcomer": "newcomer",
    "count-peers": "peers_count",
}
"""The module of each program; it is imported after the environment is prepared, because it imports torch."""

WITH_OPTIONS = (
    "beside",
    "spins",
    "trials",
    "kills",
    "full",
    "edges",
    "convolutional",
    "degraded",
    "options",
    "live",
    "newcomer",
)
"""Programs that take more arguments, and have --help."""


def main() -> int:
    """Run the program that the first argument names, and return its exit code."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in PROGRAMS or (len(sys.argv) > 2 and name not in WITH_OPTIONS):
        sys.stderr.write(f"usage: python -m benchmarks {{{','.join(PROGRAMS)}}}\n\n{__doc__}")
        return 2
    prepare()
    code: int | None = import_module(f"benchmarks.{PROGRAMS[name]}").main()
    return code or 0


if __name__ == "__main__":
    sys.exit(main())
