"""Sphinx extension: pages are written by all cores, and Python looks for garbage less often.

A build holds millions of small objects that live until its end, and by default Python goes through all of them again
and again.
"""

import atexit
import gc

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from satlib.support.cores import allowed

SELDOM = (50_000, 20, 1_000)
"""How many new objects, and looks at younger ones, come before each look at the new, the young, and all."""


def write_on_all_cores(app: Sphinx, env: BuildEnvironment) -> None:
    """Ask for as many processes as there are cores. All is read by then: not all extensions can read side by side."""
    app.parallel = allowed()


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    gc.set_threshold(*SELDOM)
    atexit.register(gc.freeze)  # nothing is gone through at the end
    app.connect("env-check-consistency", write_on_all_cores)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
