"""The measurements behind chapter 12 of the book and its appendix: ``python -m satlib.theory study --out FOLDER``.

Each experiment is a table; a row is a pure function of its settings, so that any row can be measured again by itself
and compared with the committed one.
"""

from satlib.theory.study.common import Projections, Row, Value, column, projections
from satlib.theory.study.rivals import BOUNDS, Verdict, judge, proved
from satlib.theory.study.run import EXPERIMENTS, Experiment, Results, load_results, measure, run_study
from satlib.theory.study.tables import (
    Exponent,
    envelope_resplits,
    envelope_splits,
    envelope_table,
    exponents,
    power,
    signed,
    slope_table,
)

__all__ = [
    "BOUNDS",
    "EXPERIMENTS",
    "Experiment",
    "Projections",
    "Results",
    "Row",
    "Value",
    "Verdict",
    "column",
    "judge",
    "load_results",
    "measure",
    "power",
    "projections",
    "proved",
    "Exponent",
    "envelope_resplits",
    "envelope_splits",
    "envelope_table",
    "exponents",
    "signed",
    "slope_table",
    "run_study",
]
