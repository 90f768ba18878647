"""`satlib doctor`: what decides on this machine how fast satlib is, what is missing, and what to do about it.

:func:`examine` finds the facts, :func:`advise` says which of them need attention. Nothing is changed.
"""

from satlib.commands.machine.advice import Advice, advise
from satlib.commands.machine.computing import Computing
from satlib.commands.machine.extras import Extra
from satlib.commands.machine.facts import GPU, Cores, Facts, Memory, examine
from satlib.commands.machine.threads import Threads, Waiting

__all__ = [
    "GPU",
    "Advice",
    "Computing",
    "Cores",
    "Extra",
    "Facts",
    "Memory",
    "Threads",
    "Waiting",
    "advise",
    "examine",
]
