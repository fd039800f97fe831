"""`manage.py inventory plan FILE` and `manage.py inventory apply FILE`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandParser

from console.shell.user import shell_user
from incidents.domain.errors import InventoryFault
from incidents.inventory.diff import InventoryDiff, KindDiff
from incidents.services import inventory

# A changed order of 1,100 prefixes must not push everything else off the screen.
SHOWN = 20
PLURALS = {"watch": "watches", "person": "people"}


class Command(BaseCommand):
    help = "Compares an inventory file with what is there, and makes it so."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=("plan", "apply"), help="plan: only show; apply: change it")
        parser.add_argument("file", type=Path, help="the inventory, a YAML file")

    def handle(self, *args: Any, verb: str, file: Path, **options: Any) -> None:
        found = inventory.read(self._text(file))
        if isinstance(found, list):
            self._refuse(_faults(file, found))
        try:
            diff = inventory.plan(found) if verb == "plan" else inventory.apply(found, by=shell_user())
        except ExceptionGroup as group:
            faults, others = group.split(InventoryFault)
            if faults is None or others is not None:
                raise
            named = [fault for fault in faults.exceptions if isinstance(fault, InventoryFault)]
            self._refuse(_faults(file, named))
        for line in _report(diff, applied=verb == "apply"):
            self.stdout.write(line)

    def _text(self, file: Path) -> str:
        try:
            return file.read_text(encoding="utf-8")
        except OSError as error:
            self._refuse(f"{file} cannot be read: {error.strerror}")
        except UnicodeDecodeError:
            self._refuse(f"{file} is not text in UTF-8")

    def _refuse(self, message: str) -> NoReturn:
        """Ends with 2. Not by CommandError, which would write a word before the first FILE:LINE."""
        self.stderr.write(message)
        raise SystemExit(2)


def _faults(file: Path, faults: list[InventoryFault]) -> str:
    """One a line, as editors and review tools read them."""
    lines = [f"{file}:{fault.line or 1}: {fault.path or 'the file'}: {fault.message}" for fault in faults]
    count = f"{len(lines)} faults" if len(lines) > 1 else "1 fault"
    return "\n".join([*lines, f"{count}; nothing was applied."])


def _report(diff: InventoryDiff, *, applied: bool) -> Iterator[str]:
    for kind in diff.kinds.values():
        yield from _differences(kind)
    for kind in diff.kinds.values():
        yield from _notes(kind)
    unchanged = sum(kind.unchanged for kind in diff.kinds.values())
    if diff.is_empty:
        yield f"Nothing to change: {unchanged:,} things are as the file says."
        return
    counts = ", ".join(f"{count:,} {verb}" for verb, count in diff.count().items())
    if applied:
        yield f"Applied as revision {diff.revision}: {counts}, {unchanged:,} unchanged."
    else:
        yield f"Would be: {counts}, {unchanged:,} unchanged. Nothing has changed yet."


def _differences(kind: KindDiff) -> Iterator[str]:
    yield from _some("+", kind.kind, [(name, "") for name in kind.added])
    yield from _some("~", kind.kind, [(name, f": {', '.join(fields)}") for name, fields in kind.changed.items()])
    yield from _some("-", kind.kind, [(name, "") for name in kind.removed])


def _notes(kind: KindDiff) -> Iterator[str]:
    why = " is not in the file; it is kept, for it is not named under remove"
    yield from _some("note:", kind.kind, [(name, why) for name in kind.extra])
    yield from _some("note:", kind.kind, [(name, " is named under remove, and is not there") for name in kind.absent])


def _some(sign: str, kind: str, items: list[tuple[str, str]]) -> Iterator[str]:
    for name, rest in items[:SHOWN]:
        yield f"{sign} {kind} {name}{rest}"
    if len(items) > SHOWN:
        yield f"{sign} and {len(items) - SHOWN:,} more {PLURALS.get(kind, kind + 's')}"
