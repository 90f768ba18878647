"""Sphinx extension: chapters that have to be executed are executed side by side, before Sphinx reads them one by one.

Each core has one chapter at a time, and each chapter a kernel that is a fork of one process. What has run is put into
the cache of myst-nb, which finds it there when it reads the page. A chapter that fails is not cached: myst-nb executes
it again and reports it, which fails the build.
"""

import asyncio
import os
from pathlib import Path, PurePosixPath
from time import monotonic

from forked_kernels import kernel_managers
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.cache.main import JupyterCacheBase
from myst_nb.core.config import NbParserConfig
from myst_nb.core.read import create_nb_reader
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from satlib.runner.kernels import PreparedKernelManager
from satlib.support.cores import allowed, share
from satlib.support.environment import additions

PATIENCE = 600
"""Seconds that a kernel may take to start, or to send what a cell has printed."""
LONGEST = (
    "20_attribution",
    "own_data",
    "command_line",
    "21_proofs",
    "05_center_selection",
    "24_edges",
    "14_training",
    "22_does_it_attend",
    "11_speed",
    "16_comparison",
    "10_cost",
    "real_photographs",
    "09_network",
    "06_aggregation",
    "15_evaluation",
)
"""These chapters start first, so that none of them is alone in the end."""

log = logging.getLogger(__name__)


def place_in_line(page: str) -> int:
    """Return a number that is smaller for pages that start earlier."""
    name = PurePosixPath(page).name
    return LONGEST.index(name) if name in LONGEST else len(LONGEST)


def settings(env: BuildEnvironment) -> NbParserConfig:
    """Return the settings of myst-nb, which it keeps in the environment."""
    found: NbParserConfig = vars(env)["mystnb_config"]
    return found


def stale(env: BuildEnvironment, names: list[str], cache: JupyterCacheBase) -> dict[Path, NotebookNode]:
    """Return the notebooks among some pages whose outputs are not in the cache, the longest first."""
    found = {}
    for name in sorted(names, key=place_in_line):
        path = Path(env.doc2path(name))
        if any(PurePosixPath(path.as_posix()).match(p) for p in settings(env).execution_excludepatterns):
            continue
        text = path.read_text(encoding="utf-8")
        reader = create_nb_reader(str(path), vars(env)["myst_config"], settings(env), text)
        if reader is None:
            continue
        notebook = reader.read(text)
        try:
            cache.match_cache_notebook(notebook)
        except KeyError:
            found[path] = notebook
    return found


async def execute(
    notebook: NotebookNode, path: Path, timeout: int, kernels: type[PreparedKernelManager], environment: dict[str, str]
) -> float | None:
    """Execute a notebook in place, in its folder; return how many seconds that took, None if it failed."""
    client = NotebookClient(
        notebook,
        timeout=timeout,
        startup_timeout=PATIENCE,
        iopub_timeout=PATIENCE,
        raise_on_iopub_timeout=True,
        resources={"metadata": {"path": str(path.parent)}},
        kernel_manager_class=kernels,
        record_timing=False,
        extra_arguments=["--IPKernelApp.log_level=50"],  # the kernel's own chatter on stderr
    )
    start = monotonic()
    try:
        await client.async_execute(env=environment)
    except (CellControlSignal, DeadKernelError, RuntimeError) as error:
        log.info("%s: %s", path.name, type(error).__name__)
        return None
    return monotonic() - start


async def execute_all(notebooks: dict[Path, NotebookNode], cache: JupyterCacheBase, timeout: int) -> None:
    """Execute notebooks, as many at a time as there are cores, and put them into the cache."""
    free = asyncio.Semaphore(allowed())
    environment = {"OMP_NUM_THREADS": str(share(min(allowed(), len(notebooks)))), **os.environ}
    environment.update(additions(environment))
    with kernel_managers(environment) as kernels:

        async def one(path: Path, notebook: NotebookNode) -> None:
            async with free:
                seconds = await execute(notebook, path, timeout, kernels, environment)
            if seconds is not None:
                bundle = CacheBundleIn(notebook, str(path), data={"execution_seconds": seconds})
                cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
                log.info("%s: executed in %.0f seconds", path.name, seconds)

        await asyncio.gather(*(one(path, notebook) for path, notebook in notebooks.items()))


def execute_stale(app: Sphinx, env: BuildEnvironment, names: list[str]) -> None:
    """Execute what the pages that are about to be read need."""
    config = settings(env)
    if config.execution_mode != "cache":
        return
    cache = get_cache(config.execution_cache_path)
    notebooks = stale(env, names, cache)
    if notebooks:
        log.info("executing %d notebooks, %d at a time", len(notebooks), min(allowed(), len(notebooks)))
        asyncio.run(execute_all(notebooks, cache, config.execution_timeout))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("env-before-read-docs", execute_stale)
    return {"parallel_read_safe": True}
