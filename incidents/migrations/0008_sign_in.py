import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0007_desk"),
    ]

    operations = [
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("scope", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("count", models.PositiveIntegerField()),
                ("until", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.AddField(
            model_name="person",
            name="company_id",
            field=models.CharField(
                blank=True,
                db_index=True,
                default="",
                help_text="The subject by which the company's sign-in knows them; empty where it does not.",
                max_length=255,
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="person",
            name="given_password",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Hash of the password that the inventory gave last; `password` is another one once they changed it.",
                max_length=128,
            ),
            preserve_default=False,
        ),
        migrations.RunSQL(
            # Until now everybody had the password that the inventory gave.
            "UPDATE incidents_person SET given_password = password",
            migrations.RunSQL.noop,
        ),
        migrations.CreateModel(
            name="UsedCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("counter", models.BigIntegerField()),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("person", "counter"), name="code_used_once")],
            },
        ),
    ]
