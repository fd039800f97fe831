"""What people post. Every message says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.validators import RegexValidator

from incidents.actions.shift_traffic_away import LONGEST, SHORTEST
from incidents.models import Person
from incidents.services import control, hand_backs, reviews

NO_PREVIEW = "The form did not say which preview it was about. Nothing was changed. Check the new preview below."
NO_KEY = "The form was not complete. Nothing was changed. Check the new preview below."

NO_NAME = "Write a name of at most 50 lower-case letters, digits and hyphens, such as shop-night-shift."
NO_TITLE = "Write who this is, in one line of at most 100 letters."
NO_ROLE = "Choose one of the roles. Nothing was changed."


WRONG_WORD = "Type the word as it stands there. Nothing was changed."


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
    word = forms.CharField(required=False, max_length=20, error_messages={"max_length": WRONG_WORD})


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
        max_length=reviews.MOST_WORDS,
        error_messages={
            "required": reviews.WHAT,
            "max_length": f"Write it in at most {reviews.MOST_WORDS} characters.",
        },
    )


class TimeForm(forms.Form):
    """For how long something stays moved."""

    minutes = forms.IntegerField(
        min_value=SHORTEST,
        max_value=LONGEST,
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), hand_backs.HOW_LONG),
    )


class OverruleForm(forms.Form):
    """Going on in spite of an open verdict."""

    reason = forms.CharField(
        max_length=control.MOST_WORDS,
        error_messages={
            "required": control.WHY_ON,
            "max_length": f"Write the reason in at most {control.MOST_WORDS} characters.",
        },
    )


class InviteForm(forms.Form):
    """Whom an owner invites, and to what."""

    name = forms.CharField(
        max_length=50,
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9-]*$", NO_NAME)],
        error_messages={"required": NO_NAME, "max_length": NO_NAME},
    )
    title = forms.CharField(
        max_length=100,
        validators=[RegexValidator(r"^[^\x00-\x1f\x7f\u0085\u2028\u2029]+$", NO_TITLE)],
        error_messages={"required": NO_TITLE, "max_length": NO_TITLE},
    )
    role = forms.CharField(max_length=20, error_messages={"required": NO_ROLE, "max_length": NO_ROLE})


class RoleForm(forms.Form):
    """The role that somebody shall have."""

    role = forms.CharField(max_length=20, error_messages={"required": NO_ROLE, "max_length": NO_ROLE})


class WelcomeForm(forms.Form):
    """The password that an invited person chooses; typed once, for whoever mistypes it can be invited again."""

    password = forms.CharField(
        strip=False,
        max_length=1000,
        error_messages={"required": "Choose a password.", "max_length": "Choose a password of at most 1,000 letters."},
    )

    def __init__(self, data: Mapping[str, Any] | None, person: Person) -> None:
        super().__init__(data)
        self.person = person

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, self.person)
        return password


def first_problem(form: forms.Form) -> str:
    """The first message of a form that did not pass."""
    errors: dict[str, Any] = form.errors.get_json_data()
    return next(str(error["message"]) for field in errors.values() for error in field)
