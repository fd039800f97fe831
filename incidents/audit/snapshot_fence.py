"""Triggers by which the database itself keeps known-good states as they were proven. A fence: owners can climb it.

A snapshot is never changed but for `proven_until`, which only grows, and is deleted only when it was last proven more
than `LEAST_DAYS` ago, or by a transaction that says so (`engine.snapshots.released`). What lies behind the fence is
recognised by its digest all the same, see `domain.known_good`.
"""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

TABLE = "incidents_snapshot"
RELEASE = "incidents_snapshotrelease"
# The console can say for any moment of so many days what was known to be good.
LEAST_DAYS = 30
UNCHANGED = ("id", "binding_id", "state", "digest", "proven_at", "proof")
CHANGED = "a known-good state is never changed"
DELETED = f"a known-good state is kept for at least {LEAST_DAYS} days"
NAMES = {
    "sqlite": ("snapshot_no_change", "snapshot_no_delete"),
    "postgresql": ("snapshot_no_change", "snapshot_no_delete", "snapshot_no_truncate"),
}

RELEASED = f"EXISTS (SELECT 1 FROM {RELEASE})"  # noqa: S608  # a name of ours
SQLITE = (
    f"""CREATE TRIGGER IF NOT EXISTS snapshot_no_change BEFORE UPDATE ON {TABLE}
    WHEN {" OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in UNCHANGED)}
         OR NEW.proven_until < OLD.proven_until
    BEGIN SELECT RAISE(ABORT, '{CHANGED}'); END""",
    f"""CREATE TRIGGER IF NOT EXISTS snapshot_no_delete BEFORE DELETE ON {TABLE}
    WHEN OLD.proven_until >= datetime('now', '-{LEAST_DAYS} days') AND NOT {RELEASED}
    BEGIN SELECT RAISE(ABORT, '{DELETED}'); END""",
)
POSTGRESQL = (
    f"""CREATE OR REPLACE FUNCTION snapshot_refuse_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{CHANGED}'; END $$""",
    f"""CREATE OR REPLACE FUNCTION snapshot_refuse_delete() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
        IF {RELEASED} THEN RETURN OLD; END IF;
        RAISE EXCEPTION '{DELETED}';
    END $$""",
    f"""CREATE OR REPLACE TRIGGER snapshot_no_change BEFORE UPDATE ON {TABLE} FOR EACH ROW
    WHEN ({" OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in UNCHANGED)}
          OR NEW.proven_until < OLD.proven_until)
    EXECUTE FUNCTION snapshot_refuse_change()""",
    f"""CREATE OR REPLACE TRIGGER snapshot_no_delete BEFORE DELETE ON {TABLE} FOR EACH ROW
    WHEN (OLD.proven_until >= now() - interval '{LEAST_DAYS} days')
    EXECUTE FUNCTION snapshot_refuse_delete()""",
    f"""CREATE OR REPLACE TRIGGER snapshot_no_truncate BEFORE TRUNCATE ON {TABLE}
    FOR EACH STATEMENT EXECUTE FUNCTION snapshot_refuse_change()""",
    # ALWAYS: they also fire for a session that pretends to be a replica.
    *(f"ALTER TABLE {TABLE} ENABLE ALWAYS TRIGGER {name}" for name in NAMES["postgresql"]),
)


def raise_fence(connection: BaseDatabaseWrapper) -> None:
    """Sets the triggers up; harmless when they stand. A migration that alters the table on SQLite does it again."""
    _run(connection, SQLITE if connection.vendor == "sqlite" else POSTGRESQL)


def lower_fence(connection: BaseDatabaseWrapper) -> None:
    """Takes the triggers away: to undo the migration, and for tests that damage or empty their own database."""
    on = "" if connection.vendor == "sqlite" else f" ON {TABLE}"
    _run(connection, tuple(f"DROP TRIGGER IF EXISTS {name}{on}" for name in NAMES[connection.vendor]))


def fence_stands(connection: BaseDatabaseWrapper) -> bool:
    """Whether every trigger is there, and switched on."""
    if connection.vendor == "sqlite":
        query = f"SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{TABLE}'"  # noqa: S608  # a name of ours
    else:
        query = f"SELECT tgname FROM pg_trigger WHERE tgrelid = '{TABLE}'::regclass AND tgenabled = 'A'"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(query)
        there = {row[0] for row in cursor.fetchall()}
    return there.issuperset(NAMES[connection.vendor])


def _run(connection: BaseDatabaseWrapper, statements: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
