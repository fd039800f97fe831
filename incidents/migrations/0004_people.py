import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import incidents.domain.approvals


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0003_three_actions"),
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
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("scope", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("count", models.PositiveIntegerField()),
                ("until", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.AlterModelOptions(
            name="organization",
            options={
                "default_permissions": (),
                "ordering": ("slug",),
                "permissions": (
                    ("see_organization", "See the organization's resources, runs and incidents"),
                    ("act_for_organization", "Start, stop and undo runs of the organization"),
                    ("manage_people", "Invite and remove people of the organization, and change their roles"),
                    ("support_organization", "Help the organization: act with its consent, and freeze it"),
                    ("review_organization", "Review what was done for the organization"),
                    ("engineer_organization", "Settle what the organization cannot repair itself"),
                ),
            },
        ),
        migrations.AlterModelOptions(
            name="preapproval",
            options={
                "default_permissions": (),
                "ordering": ("slug",),
                "permissions": (
                    ("use_preapproval", "Run the action within this preapproval"),
                    ("approve_preapproval", "Agree, as a second person, to what somebody wants to run within it"),
                ),
            },
        ),
        migrations.AddField(
            model_name="engineerentry",
            name="note",
            field=models.CharField(blank=True, help_text="What the customer reads about it.", max_length=300),
        ),
        migrations.AddField(
            model_name="engineerentry",
            name="noted_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="engineerentry",
            name="taken_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="engineerentry",
            name="taken_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="incident",
            name="because",
            field=models.CharField(blank=True, help_text="Why it was declared.", max_length=300),
        ),
        migrations.AddField(
            model_name="incident",
            name="closed_because",
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name="incident",
            name="closed_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="incident",
            name="declared_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="person",
            name="company_id",
            field=models.CharField(
                blank=True,
                db_index=True,
                help_text="The subject by which the company's sign-in knows them; empty where it does not.",
                max_length=255,
            ),
        ),
        migrations.AddField(
            model_name="person",
            name="first_password",
            field=models.CharField(
                blank=True,
                help_text="The hash of the password that the inventory gave last; empty for others.",
                max_length=128,
            ),
        ),
        migrations.AddField(
            model_name="person",
            name="identity",
            field=models.CharField(
                blank=True,
                help_text="Equal for two sign-ins of one human; empty where nobody has said it.",
                max_length=100,
            ),
        ),
        migrations.AddField(
            model_name="person",
            name="invited_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="invited",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="plan",
            name="seal",
            field=models.CharField(blank=True, help_text="As of a run.", max_length=100),
        ),
        migrations.AddField(
            model_name="preapproval",
            name="seal",
            field=models.CharField(
                blank=True, help_text="That the inventory wrote this: see engine.seals.", max_length=100
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="seal",
            field=models.CharField(
                blank=True, help_text="That this row was written by the console: see engine.seals.", max_length=100
            ),
        ),
        migrations.CreateModel(
            name="CallerConsent",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("caller", models.CharField(help_text="Who asked, as they gave their name.", max_length=100)),
                (
                    "recognised",
                    models.CharField(
                        choices=[
                            ("called_back", "called_back"),
                            ("word", "word"),
                            ("colleague", "colleague"),
                            ("in_person", "in_person"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "recognised_by",
                    models.CharField(
                        help_text="Which number, where the word is kept, who confirmed it; never the word.",
                        max_length=300,
                    ),
                ),
                ("agreed", models.CharField(help_text="What they agreed to, in their words.", max_length=500)),
                ("began_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "ended_because",
                    models.CharField(
                        blank=True,
                        choices=[("customer", "Customer"), ("staff", "Staff"), ("over", "Over")],
                        max_length=12,
                    ),
                ),
                (
                    "caller_person",
                    models.ForeignKey(
                        help_text="The same, where we know them.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "ended_by",
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
                        related_name="consents",
                        to="incidents.organization",
                    ),
                ),
                (
                    "staff",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="consents_to_act",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="plan",
            name="consent",
            field=models.ForeignKey(
                help_text="By which somebody of the operator acts; repeats what stands in the body.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="plans",
                to="incidents.callerconsent",
            ),
        ),
        migrations.CreateModel(
            name="ConsentedAction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("action", models.CharField(max_length=40)),
                (
                    "consent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="allowed",
                        to="incidents.callerconsent",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Denial",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.CharField(blank=True, max_length=300)),
                ("at", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="denials", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Freeze",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "scope",
                    models.CharField(
                        choices=[("everyone", "Everyone"), ("organization", "Organization"), ("action", "Action")],
                        max_length=12,
                    ),
                ),
                ("action", models.CharField(blank=True, help_text="Name in the catalogue.", max_length=40)),
                ("since", models.DateTimeField()),
                ("because", models.CharField(max_length=300)),
                ("lifted_at", models.DateTimeField(null=True)),
                ("lifted_because", models.CharField(blank=True, max_length=300)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "lifted_by",
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
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="freezes",
                        to="incidents.organization",
                    ),
                ),
            ],
            options={
                "permissions": (("freeze_everyone", "Pause runs for everyone, or of one action"),),
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("role", models.CharField(max_length=20)),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                ("invited_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                (
                    "invited_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invitations_made",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="invitations",
                        to="incidents.organization",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="invitations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("invited_at",),
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
            },
        ),
        migrations.CreateModel(
            name="RoleChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("role", models.CharField(blank=True, max_length=20)),
                ("at", models.DateTimeField()),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="roles_given",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="role_changes",
                        to="incidents.organization",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="role_changes",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
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
        migrations.AddIndex(
            model_name="callerconsent",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", True)), fields=["expires_at"], name="consent_over"
            ),
        ),
        migrations.AddConstraint(
            model_name="callerconsent",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)),
                fields=("staff", "organization"),
                name="consent_open_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="consentedaction",
            constraint=models.UniqueConstraint(fields=("consent", "action"), name="consented_action_once"),
        ),
        migrations.AddIndex(
            model_name="denial",
            index=models.Index(fields=["person", "at"], name="incidents_d_person__abc873_idx"),
        ),
        migrations.AddConstraint(
            model_name="freeze",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("action", ""), ("organization__isnull", True), ("scope", "everyone")),
                    models.Q(("action", ""), ("organization__isnull", False), ("scope", "organization")),
                    models.Q(
                        ("organization__isnull", True), ("scope", "action"), models.Q(("action", ""), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="freeze_of_one_scope",
            ),
        ),
        migrations.AddConstraint(
            model_name="freeze",
            constraint=models.UniqueConstraint(
                condition=models.Q(("lifted_at__isnull", True), ("scope", "everyone")),
                fields=("scope",),
                name="freeze_everyone_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="freeze",
            constraint=models.UniqueConstraint(
                condition=models.Q(("lifted_at__isnull", True), ("scope", "organization")),
                fields=("organization",),
                name="freeze_organization_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="freeze",
            constraint=models.UniqueConstraint(
                condition=models.Q(("lifted_at__isnull", True), ("scope", "action")),
                fields=("action",),
                name="freeze_action_once",
            ),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(
                condition=models.Q(("read_at__isnull", True)), fields=["person", "-at"], name="notice_unread"
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(
                condition=models.Q(("done_at__isnull", True)), fields=["opened_at"], name="review_to_do"
            ),
        ),
        migrations.AddConstraint(
            model_name="rolechange",
            constraint=models.UniqueConstraint(fields=("person", "organization"), name="role_change_once"),
        ),
        migrations.AddConstraint(
            model_name="usedcode",
            constraint=models.UniqueConstraint(fields=("person", "counter"), name="code_used_once"),
        ),
        migrations.AddIndex(
            model_name="plan",
            index=models.Index(fields=["organization", "-proposed_at"], name="incidents_p_organiz_332832_idx"),
        ),
        migrations.RunSQL(
            # Nobody could set a password of their own so far, so what is there is what the inventory gave.
            "UPDATE incidents_person SET first_password = password",
            migrations.RunSQL.noop,
        ),
    ]
