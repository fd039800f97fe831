"""Second factors: passkeys, authenticator apps and recovery codes. A code is good once, whoever asks in that moment.

The tables and the arithmetic are django-allauth's. What is added: the database, and no cache, decides that a code was
used; every change is in the audit log; and nobody takes their last factor away.
"""

from __future__ import annotations

import logging
from typing import Literal

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt, encrypt
from allauth.mfa.webauthn.internal.auth import WebAuthn
from cryptography.fernet import InvalidToken
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from incidents.audit.log import Actor, Entry, actor_of, append, recorded
from incidents.domain.canonical import JsonObject
from incidents.domain.errors import Refused
from incidents.domain.networks import Origin
from incidents.models import Person, UsedCode
from incidents.services import limits
from incidents.services.sign_in import end_all, note_refusal, sessions_of

log = logging.getLogger(__name__)

STRONG = (Authenticator.Type.WEBAUTHN, Authenticator.Type.TOTP)
CODE_DIGITS = 6
# Used codes are kept for this many steps of 30 s, past any in which they could be good again.
KEPT_STEPS = 20

CodeKind = Literal["totp", "recovery_codes"]

WRONG_SETUP_CODE = (
    "That code does not fit. Check that the clock of the phone is right, and write the code that it shows now."
)
LAST = "This is your last way to show who you are besides the password. Add another one first."


def check_code(person: Person, text: str, origin: Origin) -> CodeKind | None:
    """Uses up a code of the authenticator app, or a recovery code. None when it is neither, or was used before.

    Raises:
        Limited: too many tries; the code was not looked at.
    """
    limits.take_code(person.pk, origin)
    code = _digits(text)
    try:
        with recorded():
            kind = _use(person, code)
    except InvalidToken:
        # The keys are not those that it was sealed with. Whoever has a passkey still comes in.
        log.error("no key of FACTOR_KEYS reads the factors of %s", person.username)
        kind = None
    if kind is None:
        note_refusal(person, "code", origin)
        return None
    limits.give_back_code(person.pk, origin)
    return kind


def note_use(authenticator: Authenticator) -> None:
    """When a passkey was used last."""
    Authenticator.objects.filter(pk=authenticator.pk).update(last_used_at=timezone.now())


def add_totp(person: Person, secret: str, text: str) -> None:
    """Adds an authenticator app that has shown a code of this secret.

    Raises Refused: the code does not fit, or there is an app already.
    """
    code = _digits(text)
    counter = _counter_of(secret, code)
    if counter is None:
        raise Refused(WRONG_SETUP_CODE)
    try:
        with recorded():
            # The code of the set-up is used as well.
            UsedCode.objects.get_or_create(person=person, counter=counter)
            TOTP.activate(person, secret)
            append(_entry("factor.added", person, {"factor": "totp"}))
    except IntegrityError:
        raise Refused("You have an authenticator app already. Remove it first.") from None


def add_passkey(person: Person, name: str, credential: dict[str, object]) -> None:
    """Adds a passkey whose answer has been verified."""
    with recorded():
        WebAuthn.add(person, name, credential)
        append(_entry("factor.added", person, {"factor": "webauthn", "name": name}))


def remove(person: Person, pk: int, *, keep_one: bool, session: str = "") -> None:
    """Removes one factor; the last one takes the recovery codes with it. Harmless when it is gone already.

    Whoever holds a lost phone holds its sessions too, so all others than `session` end with it.

    Raises Refused: it is the last one, and `keep_one` says that one must stay.
    """
    others = sessions_of(person, session)
    with recorded():
        mine = Authenticator.objects.filter(user=person, type__in=STRONG)
        gone = mine.filter(pk=pk).first()
        if gone is None:
            return
        alone = not mine.exclude(pk=pk).exists()
        if alone and keep_one:
            raise Refused(LAST)
        named = gone.type == Authenticator.Type.WEBAUTHN
        data: JsonObject = {"factor": gone.type, "name": gone.wrap().name if named else ""}
        gone.delete()
        if alone:
            Authenticator.objects.filter(user=person).delete()
        append(_entry("factor.removed", person, data), *end_all(person, "factor-removed", others))


def renew_recovery_codes(person: Person) -> None:
    """Makes new recovery codes; the old ones are good no more. They are shown until `note_seen`.

    Raises Refused: there is no factor yet that they could stand in for.
    """
    with recorded():
        if not Authenticator.objects.filter(user=person, type__in=STRONG).exists():
            raise Refused("Add a passkey or an authenticator app first.")
        codes = Authenticator.objects.filter(user=person, type=Authenticator.Type.RECOVERY_CODES)
        codes.delete()
        RecoveryCodes.activate(person)
        append(_entry("factor.added", person, {"factor": "recovery_codes"}))


def note_seen(person: Person) -> None:
    """They have written their recovery codes down, so nobody is shown them again."""
    row = Authenticator.objects.filter(user=person, type=Authenticator.Type.RECOVERY_CODES).first()
    if row is not None:
        RecoveryCodes(row).mark_as_viewed()


def reset(person: Person, actor: Actor, reason: str) -> int:
    """Takes every factor, and every session, from somebody who has lost all; at their next sign-in they add new ones.

    Gives how many factors there were.
    """
    sessions = sessions_of(person)
    with recorded():
        count: int = Authenticator.objects.filter(user=person).delete()[0]
        data: JsonObject = {"person": person.username, "count": count, "reason": reason}
        append(Entry("factor.reset", actor, data=data), *end_all(person, "factor-reset", sessions))
    return count


def reseal(actor: Actor) -> tuple[int, int]:
    """Encrypts every secret anew with the first key. Gives how many were, and how many no key could read."""
    done = unreadable = 0
    with recorded():
        for row in Authenticator.objects.select_for_update().exclude(type=Authenticator.Type.WEBAUTHN):
            name = "secret" if row.type == Authenticator.Type.TOTP else "seed"
            try:
                row.data[name] = encrypt(decrypt(row.data[name]))
            except InvalidToken:
                unreadable += 1
                continue
            row.save(update_fields=["data"])
            done += 1
        append(Entry("factor.resealed", actor, data={"count": done, "unreadable": unreadable}))
    return done, unreadable


def change_password(person: Person, new: str) -> None:
    """Every other session of theirs is over with it, for a session carries a keyed hash of the password's hash."""
    person.set_password(new)
    with recorded():
        Person.objects.filter(pk=person.pk).update(password=person.password)
        append(_entry("password.changed", person, {}))


def _use(person: Person, code: str) -> CodeKind | None:
    if len(code) == CODE_DIGITS and _use_totp(person, code):
        return "totp"
    if len(code) == app_settings.RECOVERY_CODE_DIGITS and _use_recovery_code(person, code):
        return "recovery_codes"
    return None


def _use_totp(person: Person, code: str) -> bool:
    row = Authenticator.objects.filter(user=person, type=Authenticator.Type.TOTP).first()
    counter = None if row is None else _counter_of(decrypt(row.data["secret"]), code)
    if row is None or counter is None:
        return False
    UsedCode.objects.filter(person=person, counter__lt=counter - KEPT_STEPS).delete()
    try:
        with transaction.atomic():
            UsedCode.objects.create(person=person, counter=counter)
    except IntegrityError:
        return False
    Authenticator.objects.filter(pk=row.pk).update(last_used_at=timezone.now())
    return True


def _use_recovery_code(person: Person, code: str) -> bool:
    """The row is locked while it is read and written, so that one code is used once."""
    rows = Authenticator.objects.select_for_update()
    row = rows.filter(user=person, type=Authenticator.Type.RECOVERY_CODES).first()
    if row is None or not RecoveryCodes(row).validate_code(code):
        return False
    row.refresh_from_db()
    left = len(RecoveryCodes(row).get_unused_codes())
    append(_entry("recovery-code.used", person, {"left": left}))
    return True


def _counter_of(secret: str, code: str) -> int | None:
    """Which of the steps of 30 s round now has this code."""
    for counter in yield_hotp_counters_from_time():
        if constant_time_compare(code, format_hotp_value(hotp_value(secret, counter))):
            found: int = counter
            return found
    return None


def _digits(text: str) -> str:
    """The code without the spaces and dashes that help a person to read it."""
    return "".join(letter for letter in text if letter.isascii() and letter.isdigit())


def _entry(event: str, person: Person, data: JsonObject) -> Entry:
    return Entry(event, actor_of(person), data=data)
