"""What programs send. A member that is not asked for is refused, for it may be one that was misspelt."""

from __future__ import annotations

from typing import Annotated, Literal

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field, StrictBool, StrictInt

from console.forms import LONGEST_MOMENT
from console.pages.consent import LONGEST_CODE, MOST_CODES
from console.pages.preview import LONGEST_NUMBER, LONGEST_SLUG
from incidents.actions.catalogue import CATALOGUE
from incidents.services.control import MOST_WORDS

# As many as one run may ever change, and more than that.
MOST_NAMED = 5000
# A code of the app has 6 digits and a recovery code 10; people write them with spaces.
LONGEST_STEP_UP = 30


def _in_catalogue(name: str) -> str:
    if name not in CATALOGUE:
        raise ValueError("there is no such action")
    return name


Action = Annotated[str, AfterValidator(_in_catalogue), Field(json_schema_extra={"enum": sorted(CATALOGUE)})]
Id = Annotated[str, Field(pattern="^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
# Neither database takes NUL; `console.api.reading` refuses it, and this says so to whoever reads the document.
ANY_TEXT = r"^[^\x00]*$"
GuardCode = Annotated[str, Field(max_length=LONGEST_CODE, pattern=ANY_TEXT)]
Override = Annotated[
    list[GuardCode],
    Field(default_factory=list, max_length=MOST_CODES, description="Codes of checks to go on against, by name."),
]
StepUp = Annotated[
    str,
    Field(
        default="",
        max_length=LONGEST_STEP_UP,
        pattern=ANY_TEXT,
        description="What the authenticator app shows now, or a recovery code; asked for where it is serious.",
    ),
]


class Strict(Schema):
    model_config = ConfigDict(extra="forbid")


class Wanted(Strict):
    """What a preview is asked for: resources by their ids, or by one of the two words; never nothing."""

    action: Action
    resources: list[Id] = Field(default_factory=list, max_length=MOST_NAMED)
    select: Literal["", "broken", "everything"] = ""
    at: str = Field(
        "", max_length=LONGEST_MOMENT, pattern=ANY_TEXT, description="For restore_to: a moment of ISO 8601; else now."
    )
    location: str = Field("", max_length=LONGEST_SLUG, pattern=ANY_TEXT, description="For actions that ask for one.")
    minutes: StrictInt = Field(0, ge=0, lt=10**LONGEST_NUMBER, description="For actions that ask for how long.")
    override: Override


class WantedUndo(Strict):
    """What the preview of an undo is asked for; mostly nothing."""

    override: Override


class Yes(Strict):
    """A person's yes to one plan, which they have read."""

    digest: str = Field(pattern="^[0-9a-f]{64}$", description="Of the preview.")
    reason: str = Field(
        "", max_length=500, pattern=ANY_TEXT, description="Kept in the audit log; asked for where it takes two."
    )
    understood: StrictBool = Field(False, description="That the consequence of the preview was read; for tier 2.")
    word: str = Field("", max_length=20, pattern=ANY_TEXT, description="That the preview asks for; for tier 3.")
    code: StepUp


class GoOn(Strict):
    """Going on without proof."""

    reason: str = Field(min_length=1, max_length=MOST_WORDS, pattern=ANY_TEXT)
    code: StepUp
