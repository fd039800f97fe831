"""The head row of the audit log, and the triggers that refuse to change an entry."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from incidents.audit.fence import lower_fence, raise_fence


def make_head(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("incidents", "AuditHead").objects.get_or_create(id=1, defaults={"size": 0, "peaks": b""})


def raise_it(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    raise_fence(schema_editor.connection)


def lower_it(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    lower_fence(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("incidents", "0001_initial")]

    operations = [
        migrations.RunPython(make_head, migrations.RunPython.noop),
        migrations.RunPython(raise_it, lower_it),
    ]
