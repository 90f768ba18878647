"""Training: recipes, the loop with exact resume, and what it writes. Needs the extra `train`."""

from satlib.training.config import TrainConfig
from satlib.training.journal import TRAIN, VALID, read_table
from satlib.training.loop import Result, train
from satlib.training.yaml_config import read_config, write_config

__all__ = ["TRAIN", "VALID", "Result", "TrainConfig", "read_config", "read_table", "train", "write_config"]
