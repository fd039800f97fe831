"""Who somebody is, before what is serious: the same question as on the pages, asked in a shell."""

from __future__ import annotations

from django.conf import settings

from console.pages.second_factor import WRONG
from console.shell.voice import Ends, Halt, Voice
from console.step_up import SERIOUS_TIER
from incidents.domain.networks import Origin
from incidents.models import Person
from incidents.selectors.factors import Factors, read_factors
from incidents.selectors.preview import Weight
from incidents.services import factors, sign_in

# What limits and the audit log know of where it was typed.
HERE = Origin("a shell on the host")
LONGEST_CODE, LONGEST_PASSWORD = 100, 1000


def is_serious(weight: Weight) -> bool:
    return weight.tier >= SERIOUS_TIER or weight.takes_two


def prove(person: Person, weight: Weight, given: str, voice: Voice) -> None:
    """Has the person show who they are, where what they want is that serious.

    Args:
        given: a code that was said beforehand, or the password of somebody who has no factor; empty to be asked.

    Raises Halt, Limited.
    """
    if not is_serious(weight):
        return
    held = read_factors(person)
    _must_be_able(person, held)
    what = "Code of the authenticator app, or a recovery code" if held.any else "Password"
    text = given
    if not text and voice.asks:
        text = voice.ask_secretly(f"{what} of {person.username}:")
    if not text:
        text = f"This is serious, so show first that you are {person.username}: give --code. Nothing was changed."
        raise Halt(Ends.WRONG, text, "shell.no-code")
    kind = factors.check_code(person, text[:LONGEST_CODE], HERE) if held.any else _by_password(person, text)
    if not kind:
        wrong = WRONG if held.any else "That is not the password. Capital letters matter in it."
        raise Halt(Ends.REFUSED, f"{wrong} Nothing was changed.", "shell.wrong-code")
    sign_in.confirm(person, kind, HERE)


def _must_be_able(person: Person, held: Factors) -> None:
    if not held.any and settings.SECOND_FACTOR == "required":
        text = f"{person.username} has no second factor yet, and this asks for one. It is added on the pages."
        raise Halt(Ends.REFUSED, f"{text} Nothing was changed.", "shell.no-factor")
    if held.any and held.totp is None and not held.codes_left:
        text = f"{person.username} has passkeys only, which cannot be shown to a shell, and no recovery code is left."
        raise Halt(Ends.REFUSED, f"{text} Nothing was changed.", "shell.passkeys-only")


def _by_password(person: Person, text: str) -> str:
    found = sign_in.check_password(person.username, text[:LONGEST_PASSWORD], HERE)
    return "password" if found is not None else ""
