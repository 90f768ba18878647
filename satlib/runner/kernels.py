"""How kernels are started for notebooks: with the environment that our own programs have, and without ports."""

import os

from jupyter_client.kernelspec import KernelSpec

from satlib.runner.sockets import PrivateKernelManager
from satlib.support.environment import additions


class PreparedKernelManager(PrivateKernelManager):
    """Starts kernels whose threads wait passively and fit into a quota, unless the user has chosen otherwise.

    The variables are those of :func:`satlib.support.environment.additions`. They go to the kernel alone, through its
    specification; the environment of this process stays as it is.
    """

    @property
    def kernel_spec(self) -> KernelSpec | None:
        """The kernel's specification, with the variables besides its own."""
        spec = super().kernel_spec
        if spec is not None:
            spec.env = {**additions({**os.environ, **spec.env}), **spec.env}
        return spec
