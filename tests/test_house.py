"""The walls of the house: who may import whom (DESIGN section 3), and how large a room may be."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from incidents.engine.kinds import ADAPTERS, PROBES

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted(
    path
    for folder in ("console", "incidents")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts and "gobgp_api" not in path.parts
)

# A room, and the rooms of ours that it may import. A room may always import itself.
MAY_IMPORT: dict[str, set[str]] = {
    "incidents.domain": set(),
    "incidents.wire": {"incidents.domain"},
    "incidents.adapters": {"incidents.domain", "incidents.wire"},
    "incidents.probes": {"incidents.domain", "incidents.wire", "incidents.adapters.gobgp_api"},
    "incidents.notices": {"incidents.domain", "incidents.wire", "incidents.adapters.hook_signing"},
    "incidents.actions": {"incidents.domain"},
    "incidents.inventory": {"incidents.domain"},
    "incidents.models": {"incidents.domain"},
    "incidents.audit": {"incidents.domain", "incidents.models"},
    "incidents.engine": {
        "incidents.domain",
        "incidents.models",
        "incidents.audit",
        "incidents.adapters",
        "incidents.probes",
        "incidents.notices",
        "incidents.inventory",
        "incidents.wire",
    },
    "incidents.services": {
        "incidents.domain",
        "incidents.models",
        "incidents.audit",
        "incidents.engine",
        "incidents.actions",
        "incidents.inventory",
        "incidents.wire",
    },
    "incidents.selectors": {
        "incidents.domain",
        "incidents.models",
        "incidents.audit",
        "incidents.engine",
        "incidents.actions",
    },
    "incidents.lab": {"incidents.domain", "incidents.adapters.gobgp_api", "incidents.probes"},
    "incidents.tasks": {"incidents.engine"},
    "incidents.migrations": {"incidents.audit", "incidents.domain"},
    "incidents.apps": set(),
}


def room_of(module: str) -> str:
    """`incidents.engine.leases` lies in `incidents.engine`; everything of console is one room."""
    parts = module.split(".")
    return parts[0] if parts[0] == "console" else ".".join(parts[:2])


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides where it goes"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return names


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_keep_to_the_walls(path: Path) -> None:
    room = room_of(module_of(path))
    for name in imports_of(path):
        if name.split(".")[0] not in ("console", "incidents") or name == "incidents":
            continue
        if room == "console":
            continue
        assert not name.startswith("console"), f"{path}: the machine does not know the face ({name})"
        allowed = {room, *MAY_IMPORT[room]}
        assert any(name == one or name.startswith(f"{one}.") for one in allowed), f"{path} imports {name}"


@pytest.mark.parametrize(
    "path", [path for path in FILES if "domain" in path.parts], ids=lambda path: str(path.relative_to(ROOT))
)
def test_the_domain_imports_the_standard_library_only(path: Path) -> None:
    for name in imports_of(path):
        assert name.split(".")[0] in sys.stdlib_module_names or name.startswith("incidents.domain"), name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_adapters_and_probes_import_no_sibling_kind(path: Path) -> None:
    # The same word may be a kind in the one room and a mere file in the other.
    rooms = {"adapters": set(ADAPTERS), "probes": set(PROBES)}
    if path.parent.name in rooms:
        for name in imports_of(path):
            if name.startswith(("incidents.adapters.", "incidents.probes.")):
                kinds = {kind.replace("-", "_") for kind in rooms[name.split(".")[1]]}
                assert name.split(".")[2] not in kinds - {path.stem}, f"{path} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_rooms_and_functions_stay_small(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 300, f"{path} has more than 300 lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 45, f"{path}: {node.name} has {length} lines"


def test_only_the_api_imports_django_ninja() -> None:
    """Its models know HTTP and pydantic; no verb, and no page, does."""
    for path in FILES:
        if any(name.split(".")[0] in ("ninja", "pydantic") for name in imports_of(path)):
            assert module_of(path).startswith("console.api"), path


def test_only_services_and_engine_append_to_the_audit_log() -> None:
    allowed = {"incidents.services", "incidents.engine", "incidents.audit"}
    for path in FILES:
        if "incidents.audit.log.append" in imports_of(path):
            assert room_of(module_of(path)) in allowed, path
