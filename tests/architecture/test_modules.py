"""How the code is cut: modules of a size that can be read, absolute imports, packages that hold nothing but a docstring."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("destiny_assets", "jobs", "sensors", "resources")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "core", "misc"}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_there_are_modules_to_judge() -> None:
    assert len(MODULES) > 80


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_has_fewer_than_400_lines(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) < 400


def test_no_import_is_relative() -> None:
    relative = [
        f"{named(path)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_packages_hold_nothing_but_a_docstring() -> None:
    inits = [path for path in MODULES if path.name == "__init__.py"]
    assert [named(path) for path in inits if len(tree(path).body) != 1 or not ast.get_docstring(tree(path))] == []


def test_every_module_says_what_lives_there() -> None:
    migrations = ROOT / "destiny_assets" / "adapters" / "migrations" / "versions"
    undocumented = [path for path in MODULES if not ast.get_docstring(tree(path))]
    assert [named(path) for path in undocumented if path.parent != migrations] == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [named(path) for path in MODULES if {path.stem, path.parent.name} & FORBIDDEN_NAMES] == []


def test_what_is_caught_broadly_is_raised_again_unless_it_is_known() -> None:
    swallowing = [
        f"{named(path)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")))
        and not any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
    ]
    assert swallowing == []


def test_no_absolute_path_of_a_machine_is_written_down() -> None:
    ours = [path for path in (*MODULES, *(ROOT / "tests").rglob("*.py")) if path != Path(__file__)]
    assert [
        named(path) for path in ours if any(f"/{place}/" in path.read_text("utf-8") for place in ("root", "work"))
    ] == []


def imported(path: Path) -> set[str]:
    """The packages that a module names in imports, wherever they stand in it."""
    names = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("package", ["domain", "stages", "serving", "adapters", "local"])
def test_only_the_dagster_side_knows_dagster(package: str) -> None:
    modules = (ROOT / "destiny_assets" / package).rglob("*.py")
    assert [named(path) for path in modules if imported(path) & {"dagster", "dagster_dbt"}] == []
