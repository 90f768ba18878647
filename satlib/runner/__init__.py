"""Running notebooks by papermill with checked parameters: one, or a batch of them here or on a Slurm cluster."""

from satlib.runner.batch import plan_batch, run_batch
from satlib.runner.execute import NotebookError, run_notebook
from satlib.runner.records import Record, collect

__all__ = ["NotebookError", "Record", "collect", "plan_batch", "run_batch", "run_notebook"]
