"""The search index over the audit log, filled with the entries that there are, and what checks of the log have found."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from incidents.audit import index


def make(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    index.make(schema_editor.connection)
    index.fill(schema_editor.connection)


def drop(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    index.drop(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("incidents", "0012_health")]

    operations = [
        migrations.CreateModel(
            name="AuditCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("by", models.CharField(max_length=150)),
                ("took_ms", models.PositiveBigIntegerField()),
                ("size", models.PositiveBigIntegerField()),
                ("good", models.PositiveBigIntegerField()),
                ("root", models.CharField(max_length=64)),
                ("fault", models.CharField(blank=True, max_length=300)),
            ],
            options={"ordering": ("-at", "-id")},
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["at", "index"], name="incidents_a_at_98c91a_idx"),
        ),
        migrations.RunPython(make, drop),
    ]
