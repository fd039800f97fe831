"""The triggers that refuse to change a known-good state, and when a binding came to where it is."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from incidents.audit.snapshot_fence import lower_fence, raise_fence


def raise_it(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    raise_fence(schema_editor.connection)


def lower_it(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    lower_fence(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("incidents", "0005_blast_radius")]

    operations = [
        migrations.CreateModel(
            name="SnapshotRelease",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="binding",
            name="moved_at",
            field=models.DateTimeField(
                help_text="When it came to this backend and key; what was proven before speaks of another place.",
                null=True,
            ),
        ),
        migrations.RunPython(raise_it, lower_it),
    ]
