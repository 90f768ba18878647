"""Image sets: where they are published, downloading them safely, and the store that training reads.

Names are loaded when they are first used: torch comes with the store, not with the list of sets.
"""

from typing import TYPE_CHECKING

from satlib.support.lazy import names_on_demand

if TYPE_CHECKING:
    from satlib.data.catalogue import CATALOGUE, Archive, Dataset, find_dataset
    from satlib.data.image_sets import fetch, verify
    from satlib.data.store import Pair, Store
    from satlib.data.store_writer import prepare
else:
    __getattr__, __dir__ = names_on_demand(
        __name__,
        {
            "CATALOGUE": "satlib.data.catalogue",
            "Archive": "satlib.data.catalogue",
            "Dataset": "satlib.data.catalogue",
            "Pair": "satlib.data.store",
            "Store": "satlib.data.store",
            "fetch": "satlib.data.image_sets",
            "find_dataset": "satlib.data.catalogue",
            "prepare": "satlib.data.store_writer",
            "verify": "satlib.data.image_sets",
        },
    )

__all__ = ["CATALOGUE", "Archive", "Dataset", "Pair", "Store", "fetch", "find_dataset", "prepare", "verify"]
