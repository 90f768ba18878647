"""Image sets: where they are published, downloading them safely, and the store that training reads."""

from satlib.data.catalogue import CATALOGUE, Archive, Dataset, find_dataset
from satlib.data.image_sets import fetch, verify
from satlib.data.store import Pair, Store
from satlib.data.store_writer import prepare

__all__ = ["CATALOGUE", "Archive", "Dataset", "Pair", "Store", "fetch", "find_dataset", "prepare", "verify"]
