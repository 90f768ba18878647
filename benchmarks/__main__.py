"""`python -m benchmarks PROGRAM`: measure something and write its results.

cpu          the dense form against satlib, operation by operation: the ratios that the project has set itself
sweep        time and memory against the number of tokens
profile      where a forward pass spends its time, dense and as satlib runs it
roofline     rates of this machine, and how far every stage of a block is from them
peers        other networks beside SAT, in seconds; needs the extra `peers`
whole        one large image through the light network
count-peers  other networks' multiply-adds, for satlib/paper; needs the extra `peers`
"""

import sys

from benchmarks import cpu, peers_count, peers_time, profile, roofline, sweep, whole

PROGRAMS = {
    "cpu": cpu.main,
    "sweep": sweep.main,
    "profile": profile.main,
    "roofline": roofline.main,
    "peers": peers_time.main,
    "whole": whole.main,
    "count-peers": peers_count.main,
}


def main() -> int:
    """Run the program that the first argument names."""
    if len(sys.argv) != 2 or sys.argv[1] not in PROGRAMS:
        sys.stderr.write(f"usage: python -m benchmarks {{{','.join(PROGRAMS)}}}\n\n{__doc__}")
        return 2
    PROGRAMS[sys.argv[1]]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
