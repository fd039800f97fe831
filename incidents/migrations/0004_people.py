from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0003_three_actions"),
    ]

    operations = [
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
            model_name="person",
            name="identity",
            field=models.CharField(
                blank=True,
                help_text="Equal for two sign-ins of one human; empty where nobody has said it.",
                max_length=100,
            ),
        ),
    ]
