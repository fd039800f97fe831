"""What a reviewer looks for in the audit log. Every message says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.core.validators import ProhibitNullCharactersValidator, RegexValidator

from console.audit_words import EVENT_GROUPS, OUTCOMES
from incidents.actions.catalogue import CATALOGUE
from incidents.domain.audit_terms import words_of
from incidents.domain.happenings import EVENTS
from incidents.selectors.audit import Search

LONGEST_WORDS, MOST_WORDS = 200, 10
LONGEST_NAME = 200
LONGEST_TIME = 40
NO_TIME = "There is no such day or time. Write it like 2026-02-20, or 2026-02-20 17:45, in UTC."
TURNED = "“From” is later than “To”. Write the earlier one into “From”."
TOO_LONG = f"Write at most {LONGEST_WORDS} letters to search for."
TOO_MANY = f"Write at most {MOST_WORDS} words to search for."
NO_WORD = "Write words with letters or digits. Signs alone cannot be searched for."
NO_ORGANIZATION = "There is no such organization that you review. Choose one of the list."
NO_ACTION = "There is no such action. Choose one of the list."
NO_OUTCOME = "There is no such outcome. Choose one of the list."
NO_PLACE = "That place in the log is not known. Search again from the beginning."
# A day, then a minute, then a second: what is written down to that is meant to its end.
FORMS = (
    ("%Y-%m-%d", timedelta(days=1)),
    ("%Y-%m-%d %H:%M", timedelta(minutes=1)),
    ("%Y-%m-%d %H:%M:%S", timedelta(seconds=1)),
)
FIELDS = ("from", "to", "organization", "person", "action", "resource", "outcome", "words")


class MomentField(forms.CharField):
    """A day, a minute or a second in UTC: (its beginning, its end), or None."""

    def to_python(self, value: Any) -> Any:
        text = " ".join(str(value or "").replace("T", " ").replace("UTC", "").rstrip("Zz ").split())
        if not text:
            return None
        if len(text) > LONGEST_TIME:
            raise forms.ValidationError(NO_TIME)
        for form, length in FORMS:
            try:
                begin = datetime.strptime(text, form).replace(tzinfo=UTC)
                return begin, begin + length
            except (ValueError, OverflowError):
                continue
        raise forms.ValidationError(NO_TIME)

    def run_validators(self, value: Any) -> None:
        """A moment is no text, so those for texts do not apply."""


def _text(most: int, problem: str) -> forms.CharField:
    field = forms.CharField(required=False, max_length=most, error_messages={"max_length": problem})
    # No database sees what was typed; it is searched for like any other sign.
    field.validators = [one for one in field.validators if not isinstance(one, ProhibitNullCharactersValidator)]
    return field


def _cursor() -> forms.CharField:
    return forms.CharField(
        required=False,
        validators=[RegexValidator(r"\A[0-9]{1,15}\Z", NO_PLACE), ProhibitNullCharactersValidator(NO_PLACE)],
    )


class AuditForm(forms.Form):
    """Every field may be empty. `before` and `after` are entries between which and the next the page turns."""

    person = _text(LONGEST_NAME, f"Write at most {LONGEST_NAME} letters for the person.")
    resource = _text(LONGEST_NAME, f"Write at most {LONGEST_NAME} letters for the resource.")
    words = _text(LONGEST_WORDS, TOO_LONG)
    outcome = forms.ChoiceField(required=False, choices=[("", "")], error_messages={"invalid_choice": NO_OUTCOME})
    before, after = _cursor(), _cursor()

    def __init__(self, data: Mapping[str, Any], *, organizations: Mapping[str, str]) -> None:
        super().__init__(data)
        # The names of two fields, which are words of the language.
        self.fields["from"], self.fields["to"] = MomentField(required=False), MomentField(required=False)
        actions = [*CATALOGUE, *EVENT_GROUPS, *EVENTS]
        for name, problem, values in (
            ("organization", NO_ORGANIZATION, list(organizations)),
            ("action", NO_ACTION, actions),
            ("outcome", NO_OUTCOME, list(OUTCOMES)),
        ):
            self.fields[name] = forms.ChoiceField(
                required=False,
                choices=[("", ""), *((value, value) for value in values)],
                error_messages={"invalid_choice": problem},
            )

    def clean_words(self) -> str:
        words: str = self.cleaned_data["words"]
        found = words_of(words)
        if words and not found:
            raise forms.ValidationError(NO_WORD)
        if len(found) > MOST_WORDS:
            raise forms.ValidationError(TOO_MANY)
        return words

    def clean(self) -> None:
        since, until = self.cleaned_data.get("from"), self.cleaned_data.get("to")
        if since and until and since[0] >= until[1]:
            self.add_error("from", TURNED)

    def search(self) -> Search:
        """What is looked for; call it after `is_valid`."""
        given = self.cleaned_data
        since, until = given["from"], given["to"]
        return Search(
            since=since[0] if since else None,
            until=until[1] if until else None,
            organization=given["organization"],
            person=given["person"],
            action=given["action"],
            resource=given["resource"],
            outcome=given["outcome"],
            words=given["words"],
            typed=tuple((name, str(self.data[name]).strip()) for name in FIELDS if self.data.get(name, "").strip()),
        )

    def place(self, name: str) -> int | None:
        """The entry that a link to older or newer ones names; None where it names none."""
        value: str = self.cleaned_data[name]
        return int(value) if value else None
