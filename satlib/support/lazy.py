"""Packages whose names are loaded when they are first asked for (PEP 562), so that importing the package is cheap.

It also leaves a program the time to prepare the environment that torch reads when it is loaded
(`satlib.support.environment`).
"""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec


def names_on_demand(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the functions ``__getattr__`` and ``__dir__`` of a package.

    Parameters
    ----------
    package
        Its name.
    homes
        Each public name, and the module that has it. The package's modules are found by their own names.
    """

    def get(name: str) -> object:
        if name in homes:
            value: object = getattr(import_module(homes[name]), name)
        elif not name.startswith("_") and find_spec(f"{package}.{name}") is not None:
            value = import_module(f"{package}.{name}")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return get, names
