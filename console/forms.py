"""What people post. Every message says what to do."""

from __future__ import annotations

from collections.abc import Mapping
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


class AloneForm:
    """The second form of a preview, by which one person goes on without a second one."""

    def __init__(self, posted: Mapping[str, str]) -> None:
        self.is_chosen = posted.get("alone") == "yes"
        self.word = posted.get("word", "")[:20]


class DecisionForm(forms.Form):
    """A second person's yes or no to the plan that their page showed."""

    digest = forms.CharField(
        validators=[RegexValidator(r"^[0-9a-f]{64}$", NO_PREVIEW)], error_messages={"required": NO_PREVIEW}
    )
    words = forms.CharField(
        required=False, max_length=500, error_messages={"max_length": "Write it in at most 500 characters."}
    )


class ReviewForm(forms.Form):
    """What a reviewer has found."""

    found = forms.CharField(
        max_length=2000,
        error_messages={
            "required": "Write what you have found. It is kept in the audit log.",
            "max_length": "Write it in at most 2000 characters.",
        },
    )


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
