"""What the database itself refuses to do to a known-good state, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, connection, models, transaction
from django.utils import timezone

from incidents.audit.snapshot_fence import LEAST_DAYS, fence_stands, lower_fence, raise_fence
from incidents.engine.snapshots import released
from incidents.models import Binding, Resource, Snapshot, SnapshotRelease
from tests import factories

OLD = timedelta(days=LEAST_DAYS, minutes=5)


@pytest.fixture
def kept(db: None) -> Snapshot:
    """One of six."""
    factories.make_prefix(factories.make_organization())
    return Snapshot.objects.order_by("pk")[0]


def refused(change: Callable[[], object]) -> str:
    """What the database says; fails when it says nothing."""
    with pytest.raises(DatabaseError) as said, transaction.atomic():
        change()
    return str(said.value)


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    "field",
    [
        {"state": {"advertised": False}},
        {"digest": "0" * 64},
        {"proof": []},
        {"proven_at": timezone.now() - timedelta(days=300)},
        {"proven_until": timezone.now() - timedelta(days=300)},
    ],
    ids=lambda field: next(iter(field)),
)
def test_nothing_of_it_is_changed(kept: Snapshot, field: dict[str, object]) -> None:
    assert "a known-good state is never changed" in refused(lambda: Snapshot.objects.update(**field))
    assert "never changed" in refused(lambda: Snapshot.objects.filter(pk=kept.pk).update(**field))


def test_it_is_never_given_to_another_binding(kept: Snapshot) -> None:
    other = Binding.objects.exclude(pk=kept.binding_id)[0]

    assert "never changed" in refused(lambda: Snapshot.objects.filter(pk=kept.pk).update(binding=other))
    assert "never changed" in refused(lambda: Snapshot.objects.filter(pk=kept.pk).update(id=10_000))


def test_the_time_until_which_it_is_proven_only_grows(kept: Snapshot) -> None:
    later = kept.proven_until + timedelta(seconds=5)

    assert Snapshot.objects.filter(pk=kept.pk).update(proven_until=later) == 1
    assert Snapshot.objects.filter(pk=kept.pk).update(proven_until=later) == 1
    assert "never changed" in refused(lambda: Snapshot.objects.update(proven_until=kept.proven_until))


def test_a_young_one_is_not_deleted_and_an_old_one_is(kept: Snapshot) -> None:
    Binding.objects.update(good=None)
    old = _copy(kept, timezone.now() - OLD)

    assert f"kept for at least {LEAST_DAYS} days" in refused(lambda: Snapshot.objects.filter(pk=kept.pk).delete())
    assert "kept for at least" in refused(lambda: sql("DELETE FROM incidents_snapshot"))
    assert Snapshot.objects.filter(pk=old.pk).delete()[0] == 1


def test_all_at_once_are_neither_emptied_nor_replaced(kept: Snapshot) -> None:
    connection.check_constraints()  # PostgreSQL empties no table while constraints wait for the end
    if connection.vendor == "postgresql":
        assert "never changed" in refused(lambda: sql("TRUNCATE incidents_snapshot CASCADE"))
    else:
        columns = "id, digest, proven_at, proven_until, proof, binding_id"
        replace = f"INSERT OR REPLACE INTO incidents_snapshot (state, {columns}) SELECT '{{}}', {columns}"
        assert "kept for at least" in refused(lambda: sql(f"{replace} FROM incidents_snapshot"))
    assert Snapshot.objects.filter(state={}).count() == 0
    assert Snapshot.objects.count() == 6


def test_what_leaves_the_inventory_takes_its_states_with_it(kept: Snapshot) -> None:
    assert "kept for at least" in refused(lambda: Resource.objects.all().delete())

    with transaction.atomic(), released():
        Resource.objects.all().delete()

    assert not Snapshot.objects.exists()
    assert not SnapshotRelease.objects.exists()


def test_whether_it_stands_can_be_asked(kept: Snapshot) -> None:
    connection.check_constraints()  # PostgreSQL alters no table while constraints wait for the end
    assert fence_stands(connection)
    raise_fence(connection)
    lower_fence(connection)
    assert not fence_stands(connection)
    Snapshot.objects.update(digest="")
    connection.check_constraints()
    raise_fence(connection)
    assert fence_stands(connection)
    refused(lambda: Snapshot.objects.update(digest="1"))


def test_a_later_migration_may_rebuild_the_bindings(committed: None) -> None:
    """SQLite alters a column by making the table anew, and a trigger that named it would not let it."""
    narrow = Binding._meta.get_field("aspect")
    wide = models.CharField(max_length=40)
    wide.set_attributes_from_name("aspect")
    wide.model = Binding
    for old, new in ((narrow, wide), (wide, narrow)):
        with connection.schema_editor() as editor:
            editor.alter_field(Binding, old, new)

    assert fence_stands(connection)


def _copy(kept: Snapshot, until: datetime) -> Snapshot:
    return Snapshot.objects.create(
        binding_id=kept.binding_id,
        state=kept.state,
        digest=kept.digest,
        proven_at=until,
        proven_until=until,
        proof=kept.proof,
    )
