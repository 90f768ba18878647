"""`python -m benchmarks cpu`: run a benchmark and write its results."""

import sys

from benchmarks import cpu

PROGRAMS = {"cpu": cpu.main}


def main() -> int:
    """Run the program that the first argument names."""
    if len(sys.argv) != 2 or sys.argv[1] not in PROGRAMS:
        sys.stderr.write(f"usage: python -m benchmarks {{{','.join(PROGRAMS)}}}\n")
        return 2
    PROGRAMS[sys.argv[1]]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
