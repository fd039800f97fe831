"""What people post. Every message says what to do."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import RegexValidator

from incidents.actions.shift_traffic_away import LONGEST, SHORTEST

NO_PREVIEW = "The form did not say which preview it was about. Nothing was changed. Check the new preview below."
NO_KEY = "The form was not complete. Nothing was changed. Check the new preview below."


class ConsentForm(forms.Form):
    """A person's yes to one plan."""

    digest = forms.CharField(
        validators=[RegexValidator(r"^[0-9a-f]{64}$", NO_PREVIEW)], error_messages={"required": NO_PREVIEW}
    )
    key = forms.CharField(
        validators=[RegexValidator(r"^[0-9A-Za-z-]{8,64}$", NO_KEY)], error_messages={"required": NO_KEY}
    )
    reason = forms.CharField(
        required=False,
        max_length=500,
        error_messages={"max_length": "Write the reason in at most 500 characters. Nothing was changed."},
    )
    understood = forms.BooleanField(required=False)


class TimeForm(forms.Form):
    """For how long something stays moved."""

    minutes = forms.IntegerField(
        min_value=SHORTEST,
        max_value=LONGEST,
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value"), "Choose for how long from now: 1 minute to 72 hours."
        ),
    )


class OverruleForm(forms.Form):
    """Going on in spite of an open verdict."""

    reason = forms.CharField(
        max_length=500,
        error_messages={
            "required": "Write why you want to go on. It is kept in the audit log.",
            "max_length": "Write the reason in at most 500 characters.",
        },
    )


def first_problem(form: forms.Form) -> str:
    """The first message of a form that did not pass."""
    errors: dict[str, Any] = form.errors.get_json_data()
    return next(str(error["message"]) for field in errors.values() for error in field)
