"""`satlib doctor`: what decides on this machine how fast satlib is, what is missing, and what to do about it.

:func:`examine` finds the facts, :func:`advise` says which of them need attention. Nothing is changed.
"""

from satlib.doctor.advice import Advice, advise
from satlib.doctor.computing import Computing
from satlib.doctor.extras import Extra
from satlib.doctor.facts import GPU, Cores, Facts, Memory, examine
from satlib.doctor.threads import Threads, Waiting

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
