"""What the operator's people post. Nothing is filled in for them but the time; every message says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms

from console.words import RECOGNISED
from incidents.services import consents, freeze, queue
from incidents.services.reasons import LONGEST

HOURS = ((15, "15 minutes"), (60, "1 hour"), (120, "2 hours"), (240, "4 hours"))


def _reason(problem: str, most: int = LONGEST) -> forms.CharField:
    return forms.CharField(
        max_length=most, error_messages={"required": problem, "max_length": f"{problem} Write at most {most} letters."}
    )


def _choice(problem: str, choices: Sequence[tuple[Any, str]] = ()) -> forms.ChoiceField:
    messages = dict.fromkeys(("required", "invalid_choice"), problem)
    return forms.ChoiceField(choices=choices, error_messages=messages)


class ReasonForm(forms.Form):
    """One field, which says why."""

    because = forms.CharField()

    def __init__(self, *args: Any, problem: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["because"] = _reason(problem)


class ActForm(forms.Form):
    """A caller's consent, as it was given on the phone."""

    caller = _reason(consents.WHO, consents.LONGEST_NAME)
    caller_person = forms.ChoiceField(
        required=False, error_messages={"invalid_choice": "Choose somebody of the list, or nobody of it."}
    )
    recognised = _choice(consents.HOW, list(RECOGNISED.items()))
    recognised_by = _reason(consents.BY_WHAT)
    agreed = _reason(consents.AGREED, consents.LONGEST_AGREED)
    actions = forms.MultipleChoiceField(error_messages=dict.fromkeys(("required", "invalid_choice"), consents.NOTHING))
    minutes = _choice("Choose for how long they agreed.", HOURS)

    def __init__(
        self, *args: Any, callers: Sequence[tuple[str, str]], actions: Sequence[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        for name, choices in (("caller_person", [("", ""), *callers]), ("actions", [*actions])):
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = choices

    @property
    def lasts(self) -> timedelta:
        return timedelta(minutes=int(self.cleaned_data["minutes"]))


class FreezeForm(forms.Form):
    """What is to be paused, and why."""

    over = _choice("Choose what to pause. Nothing was paused.")
    because = _reason(freeze.WHY)

    def __init__(self, *args: Any, choices: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["over"]
        if isinstance(field, forms.ChoiceField):
            field.choices = choices


class NoteForm(forms.Form):
    """What the customer reads beside the fault."""

    note = _reason(queue.WHAT)
