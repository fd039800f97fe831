"""What all tests share: a database whose fence is lowered while it is emptied, and the lab."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from incidents.audit import fence, index, snapshot_fence
from incidents.models import AuditHead

pytest_plugins = ["tests.scene", "tests.lab_fixtures"]


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    """A database in which transactions are real, for tests with threads and other processes.

    Such a database is emptied by DELETE or TRUNCATE, which the fences round the audit log and round known-good states
    refuse; so they are lowered for that moment, which comes after this fixture ends.
    """
    fence.raise_fence(connection)
    snapshot_fence.raise_fence(connection)
    index.empty(connection)
    AuditHead.objects.update_or_create(id=1, defaults={"size": 0, "peaks": b""})
    yield
    fence.lower_fence(connection)
    snapshot_fence.lower_fence(connection)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database-only", action="store_true", help="leave out what never asks a database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that empty the database run last, so that the others find what the migrations put there."""
    if config.getoption("--database-only"):
        left_out = [item for item in items if not _asks_a_database(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if _asks_a_database(item)]
    items.sort(key=lambda item: "committed" in getattr(item, "fixturenames", ()))


def _asks_a_database(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return "db" in fixtures or "transactional_db" in fixtures or item.get_closest_marker("django_db") is not None
