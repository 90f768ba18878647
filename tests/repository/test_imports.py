"""Who may import whom: the rooms of `satlib`, what `import satlib` loads, and that all of it is declared."""

import ast
import importlib.metadata
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import takewhile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "satlib"

# The rooms of satlib, floor by floor from the ground. A room imports only rooms of lower floors; a new one goes on the
# lowest floor that serves it.
FLOORS = [
    set(floor.split())
    for floor in (
        "_version support",
        "resize metrics dta samples results",
        "config images runner merging",
        "network data plain",
        "weights complexity",
        "upscaling export",
        "analysis evaluation spandrel",
        "training theory",
        "figures __init__",
        "explore commands",
        "__main__",
    )
]
# The network knows no files, devices or pictures: these import one another and torch, nothing else.
NETWORK = {"dta", "network", "config"}
CORE = {"torch", "numpy", "PIL", "safetensors", "filelock"}
# Sphinx finds the book's extensions by these names, and they find one another.
EXTENSIONS = {path.stem for path in (ROOT / "book" / "_ext").glob("*.py")}


def module_name(path: Path) -> str:
    """Return the dotted name inside satlib: "model", "training.loop", "__init__" for the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room_of(name: str) -> str:
    """Return the room that a module belongs to: the folder or file directly below satlib."""
    return name.split(".")[0]


@cache
def imports(path: Path) -> list[str]:
    """Return the dotted names that a file imports anywhere in it, functions included."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: a relative import"
            assert node.module is not None
            below = node.module == "satlib"
            names += [f"satlib.{alias.name}" for alias in node.names] if below else [node.module]
    return names


def third_party(path: Path) -> set[str]:
    """Return the top-level names that a file imports and that are neither ours nor Python's."""
    return (
        {name.split(".")[0] for name in imports(path)}
        - sys.stdlib_module_names
        - {"satlib", "tests", "book", "benchmarks"}
        - EXTENSIONS
    )


def ours(name: str) -> set[str]:
    """Return the other rooms of satlib that a module imports."""
    return {x.split(".")[1] for x in imports(MODULES[name]) if x.startswith("satlib.")} - {room_of(name)}


def test_every_room_is_on_one_floor() -> None:
    placed = [room for floor in FLOORS for room in floor]
    assert sorted(placed) == sorted({room_of(name) for name in MODULES})


def test_there_are_no_more_than_25_rooms() -> None:
    """What a reader sees; `__init__`, `__main__` and `_version` are no rooms."""
    assert len([room for floor in FLOORS for room in floor if not room.startswith("_")]) <= 25


@pytest.mark.parametrize("name", MODULES)
def test_modules_import_only_lower_floors(name: str) -> None:
    lower = takewhile(lambda floor: room_of(name) not in floor, FLOORS)
    assert ours(name) - set().union(*lower) == set()
    assert "satlib" not in imports(MODULES[name])


@pytest.mark.parametrize("name", sorted(name for name in MODULES if room_of(name) in NETWORK))
def test_the_network_needs_only_itself_and_torch(name: str) -> None:
    found = {x for x in imports(MODULES[name]) if x.startswith("satlib.")}
    assert {x.split(".")[1] for x in found} <= NETWORK | {"support"}
    assert {x for x in found if x.startswith("satlib.support")} <= {"satlib.support.checks"}
    assert third_party(MODULES[name]) <= {"torch"} | ({"triton"} if name.startswith("dta.kernels") else set())


@pytest.mark.parametrize("room", sorted({room_of(name) for name in MODULES if "." in name}))
def test_every_room_says_what_it_is_for(room: str) -> None:
    said = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text()))
    assert said is not None and len(said) > 60


def cached_functions(path: Path) -> Iterator[tuple[str, str]]:
    """Yield name and return type of the functions of a file whose results are kept."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and node.returns is not None:
            decorators = " ".join(ast.unparse(decorator) for decorator in node.decorator_list)
            if "cache" in decorators:
                yield node.name, ast.unparse(node.returns)


def test_no_module_keeps_tensors() -> None:
    """What depends on sizes alone is a value that is handed down, `satlib.network.geometry`."""
    kept = {f"{name}.{f}": returned for name, path in MODULES.items() for f, returned in cached_functions(path)}
    assert kept, "the search finds those that are left"
    assert {f: r for f, r in kept.items() if any(word in r for word in ("Tensor", "Plan", "Geometry", "Cells"))} == {}


def test_hooks_are_for_measuring_alone() -> None:
    found = {name for name, path in MODULES.items() if "register_forward" in path.read_text()}
    assert found == {"complexity.measured"}


def test_satlib_never_imports_notebooks_or_tests() -> None:
    found = {name.split(".")[0] for path in MODULES.values() for name in imports(path)}
    assert found & {"tests", "notebooks", "book", "benchmarks"} == set()


def test_import_satlib_loads_nothing_until_a_name_is_used_and_changes_no_environment() -> None:
    script = """
import os, sys
before, environment = set(sys.modules), dict(os.environ)
import satlib, satlib.theory
assert dict(os.environ) == environment
new = {name.split(".")[0] for name in set(sys.modules) - before} - sys.stdlib_module_names
assert new == {"satlib"}, f"import satlib loads {new}"
satlib.SAT
assert "torch" in sys.modules and dict(os.environ) == environment
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr.strip()) == (0, "")


@pytest.mark.slow
def test_the_names_of_satlib_load_only_the_core_and_change_nothing() -> None:
    script = f"""
import sys, random, warnings
import numpy, torch, PIL.Image, safetensors.torch
before, state = set(sys.modules), (torch.get_rng_state().tolist(), random.getstate(), torch.get_num_threads(),
                                   torch.get_default_dtype(), list(warnings.filters))
import satlib
for name in satlib.__all__:
    getattr(satlib, name)
after = (torch.get_rng_state().tolist(), random.getstate(), torch.get_num_threads(),
         torch.get_default_dtype(), list(warnings.filters))
assert state == after, "import satlib changed a global state"
new = {{name.split(".")[0] for name in set(sys.modules) - before}} - sys.stdlib_module_names
assert new <= {CORE | {"satlib"}!r}, f"import satlib loads {{new}}"
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr.strip()) == (0, "")


@pytest.fixture(scope="module")
def providers() -> Mapping[str, list[str]]:
    """The packages that bring each top-level name."""
    return importlib.metadata.packages_distributions()


@pytest.mark.parametrize("folder", ["satlib", "tests", "book", "benchmarks"])
def test_every_import_is_a_declared_dependency(folder: str, providers: Mapping[str, list[str]]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {canonicalize_name(Requirement(text).name) for texts in lists for text in texts}
    local = {path.stem for path in (ROOT / "tests").glob("*.py")}
    names = set().union(*(third_party(path) for path in sorted((ROOT / folder).rglob("*.py")))) - local
    assert {n for n in names if not declared & {canonicalize_name(d) for d in (n, *providers.get(n, []))}} == set()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "statement"),
    [
        ("matplotlib", "import satlib.figures"),
        ("ipywidgets", "from satlib import explore"),
        ("plotly", "from satlib.figures.kit.lines import lines"),
    ],
)
def test_a_missing_package_of_an_extra_is_named_with_the_extra(package: str, statement: str) -> None:
    code = f"import sys; sys.modules[{package!r}] = None; {statement}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    said = f"ModuleNotFoundError: {package} is missing; install satlib with it: pip install 'satlib[notebook]'"
    assert (done.returncode, done.stderr.strip().splitlines()[-1]) == (1, said)
