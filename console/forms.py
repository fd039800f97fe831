"""What people post. Every message says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.validators import RegexValidator

from incidents.actions.shift_traffic_away import LONGEST, SHORTEST
from incidents.models import Person
from incidents.selectors.restoring import Choices
from incidents.services import control, hand_backs, reviews

NO_PREVIEW = "The form did not say which preview it was about. Nothing was changed. Check the new preview below."
NO_KEY = "The form was not complete. Nothing was changed. Check the new preview below."

NO_NAME = "Write a name of at most 50 lower-case letters, digits and hyphens, such as shop-night-shift."
NO_TITLE = "Write who this is, in one line of at most 100 letters."
NO_ROLE = "Choose one of the roles. Nothing was changed."


NO_MOMENT = "Choose to which moment everything shall go back. Nothing was changed."
# ISO 8601, to the microsecond and with an offset.
LONGEST_MOMENT = 40
STILL_TO_COME = "That moment is still to come. Write one that is over."
UNREADABLE_MOMENT = "Write the day and the time in UTC, such as 2026-02-20 17:45. Nothing was changed."

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


class RestoreToForm(forms.Form):
    """To which moment everything goes back, and where; cleaned, `moment` is that moment, or None for the newest."""

    when = forms.CharField(
        max_length=LONGEST_MOMENT, error_messages=dict.fromkeys(("required", "max_length"), NO_MOMENT)
    )
    at = forms.CharField(required=False, max_length=LONGEST_MOMENT, error_messages={"max_length": UNREADABLE_MOMENT})
    location = forms.ChoiceField(required=False, error_messages={"invalid_choice": "Choose one of the places."})

    def __init__(self, *args: Any, choices: Choices, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now
        places = self.fields["location"]
        if isinstance(places, forms.ChoiceField):
            places.choices = [("", ""), *choices.locations]

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        moment = None
        when = said.get("when", "last")
        if when == "at":
            moment = read_moment(said.get("at", ""))
            if moment is None:
                self.add_error("at", UNREADABLE_MOMENT)
        elif when != "last":
            moment = read_moment(when)
            if moment is None:
                self.add_error("when", NO_MOMENT)
        if moment is not None and moment > self.now:
            self.add_error("at", STILL_TO_COME)
        return {**said, "moment": moment}


class MomentForm(forms.Form):
    """A moment that is over; cleaned, `at` is that moment."""

    at = forms.CharField(
        max_length=LONGEST_MOMENT, error_messages=dict.fromkeys(("required", "max_length"), UNREADABLE_MOMENT)
    )

    def __init__(self, data: Mapping[str, Any] | None, *, now: datetime) -> None:
        super().__init__(data)
        self.now = now

    def clean_at(self) -> datetime:
        moment = read_moment(self.cleaned_data["at"])
        if moment is None:
            raise forms.ValidationError(UNREADABLE_MOMENT)
        if moment > self.now:
            raise forms.ValidationError(STILL_TO_COME)
        return moment


def read_moment(text: str) -> datetime | None:
    """A moment, in UTC where nothing else is said; None for what is none."""
    try:
        found = datetime.fromisoformat(text.strip().removesuffix("UTC").strip())
    except ValueError:
        return None
    try:
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError:
        return None


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
