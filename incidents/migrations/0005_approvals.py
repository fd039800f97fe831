import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import incidents.domain.approvals


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0004_people"),
    ]

    operations = [
        migrations.CreateModel(
            name="Rota",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(unique=True)),
                ("turns", models.JSONField(default=dict)),
                ("shifts", models.JSONField(default=list)),
                ("settings", models.JSONField(default=dict)),
                ("answer", models.JSONField(null=True)),
                ("answered_at", models.DateTimeField(null=True)),
                (
                    "problem",
                    models.CharField(blank=True, help_text="Why the newest question had no answer.", max_length=200),
                ),
            ],
            options={
                "ordering": ("slug",),
            },
        ),
        migrations.AddField(
            model_name="run",
            name="seal",
            field=models.CharField(
                blank=True, help_text="That this row was written by the console: see engine.seals.", max_length=100
            ),
        ),
        migrations.CreateModel(
            name="Approval",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("asked_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("reason", models.TextField(help_text="Why it is asked for, in the words of who asks.")),
                ("key", models.CharField(help_text="Idempotency key of the form.", max_length=64)),
                ("request_digest", models.CharField(max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("approved", "approved"),
                            ("denied", "denied"),
                            ("overtaken", "overtaken"),
                            ("withdrawn", "withdrawn"),
                        ],
                        default=incidents.domain.approvals.State["WAITING"],
                        max_length=12,
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True)),
                ("words", models.TextField(blank=True, help_text="What was said with the decision.")),
                (
                    "alone",
                    models.BooleanField(
                        default=False, help_text="One person broke the glass: there was no second one."
                    ),
                ),
                ("statement", models.BinaryField(null=True)),
                ("signature", models.CharField(blank=True, max_length=100)),
                (
                    "version",
                    models.PositiveBigIntegerField(default=1, help_text="Grows with everything that its page shows."),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approvals",
                        to="incidents.organization",
                    ),
                ),
                (
                    "plan",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="approval", to="incidents.plan"
                    ),
                ),
            ],
            options={
                "ordering": ("-asked_at",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["organization", "expires_at"],
                        name="approval_waiting",
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("organization", "key"), name="approval_key_once")],
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("text", models.CharField(max_length=400)),
                ("link", models.CharField(max_length=200)),
                ("read_at", models.DateTimeField(null=True)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="notices", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ("-at",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("read_at__isnull", True)), fields=["person", "-at"], name="notice_unread"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Review",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("opened_at", models.DateTimeField()),
                ("done_at", models.DateTimeField(null=True)),
                ("found", models.TextField(blank=True)),
                (
                    "done_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="review", to="incidents.run"
                    ),
                ),
            ],
            options={
                "ordering": ("opened_at",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("done_at__isnull", True)), fields=["opened_at"], name="review_to_do"
                    )
                ],
            },
        ),
    ]
