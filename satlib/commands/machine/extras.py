"""satlib's extras: which packages each of them brings, which of those are missing, and how to get them."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

REQUIREMENT = re.compile(r"([\w.-]+)\s*(?:\[([^\]]*)\])?")
"""A package, and the extras that are wanted of it."""
EXTRA = re.compile(r"""extra == ["']([\w.-]+)["']""")
PLATFORM = re.compile(r"""sys_platform == ["'](\w+)["']""")


@dataclass(frozen=True)
class Extra:
    """One extra of satlib."""

    name: str
    missing: tuple[str, ...]
    """Packages of it that are not installed."""

    @property
    def command(self) -> str:
        """What installs it."""
        return f"pip install 'satlib[{self.name}]'"


def find_extras() -> list[Extra]:
    """Return satlib's extras as it was installed, in order; none if it is used without being installed."""
    try:
        texts = requires("satlib") or []
    except PackageNotFoundError:
        return []
    names = dict.fromkeys(name for text in texts for name in EXTRA.findall(text))
    return [Extra(name, tuple(filter(_is_missing, packages_of(name, texts)))) for name in names]


def packages_of(extra: str, texts: Sequence[str]) -> list[str]:
    """Return the packages that an extra brings on this system.

    Parameters
    ----------
    texts
        Requirements as the package's metadata have them: ``scipy>=1.15; extra == "theory"``. An extra that contains
        others of satlib names them as ``satlib[run]``.
    """
    found: list[str] = []
    for text in texts:
        requirement, _, marker = text.partition(";")
        if extra not in EXTRA.findall(marker) or any(name != sys.platform for name in PLATFORM.findall(marker)):
            continue
        match = REQUIREMENT.match(requirement.strip())
        if match is None:
            continue
        if match[1] == "satlib":
            found += [name for inner in match[2].split(",") for name in packages_of(inner.strip(), texts)]
        else:
            found.append(match[1])
    return list(dict.fromkeys(found))


def _is_missing(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return True
    return False
