"""A person's yes to one plan, said in a shell: typed at the questions, or beforehand for a script."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from console.shell.proving import prove
from console.shell.telling import preview_as_json, tell_preview
from console.shell.voice import Ends, Halt, Voice
from console.words import noun
from incidents.domain.approvals import WORD_ALONE
from incidents.models import Approval, Organization, Person, Run
from incidents.selectors.preview import Preview, Weight
from incidents.services.approvals import ask
from incidents.services.break_glass import break_glass
from incidents.services.start import Consent, start

NOTHING = "guard.nothing-to-do"
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Said:
    """What was said beforehand, as options.

    Args:
        digest: of a preview that was made before.
        code: the second factor, or a password.
        understood: whether they know the consequence (tier 2).
        word: as `Consent.word`.
        alone: to go on without a second person, where that is allowed.
    """

    digest: str = ""
    reason: str = ""
    code: str = ""
    understood: bool = False
    word: str = ""
    alone: bool = False


def show(page: Preview, voice: Voice) -> None:
    voice.say(*tell_preview(page))


def nothing_to_do(page: Preview) -> bool:
    return [finding.code for finding in page.blockers] == [NOTHING]


def give(person: Person, organization: Organization, page: Preview, said: Said, voice: Voice) -> Run | Approval:
    """Starts what the preview shows, or asks a second person for it.

    Raises Halt, Refused; nothing was changed then.
    """
    if page.blockers:
        text = f"This cannot be started now. {page.blockers[0].text} Nothing was changed."
        raise Halt(Ends.REFUSED, text, *(finding.code for finding in page.blockers))
    if not voice.asks:
        _must_be_complete(page, said, voice)
    else:
        said = _ask(organization, page, said, voice)
    weight = Weight(page.tier, bool(page.second_person))
    if page.second_person and not said.reason.strip():
        raise Halt(Ends.WRONG, "Write with --reason why. Nothing was changed.", "shell.no-reason")
    if len(said.reason) > LONGEST_REASON:
        text = f"Write the reason in at most {LONGEST_REASON} characters. Nothing was changed."
        raise Halt(Ends.WRONG, text, "shell.long-reason")
    prove(person, weight, said.code, voice)
    consent = Consent(page.digest, str(uuid.uuid4()), said.reason, said.understood, said.word)
    voice.sent = True
    if said.alone:
        return break_glass(person, organization, consent)
    return ask(person, organization, consent) if page.second_person else start(person, organization, consent)


def _must_be_complete(page: Preview, said: Said, voice: Voice) -> None:
    """Without anybody to answer nothing starts that was not said in so many words."""
    if not (voice.yes and said.digest):
        text = "Nobody can answer here. Make a preview, and give its digest with --digest, and --yes."
        raise Halt(Ends.WRONG, f"{text} Nothing was changed.", "shell.no-yes")
    if page.tier == 2 and not said.understood:
        text = f"Add --understood to say that you know that this changes {consequence(page)}."
        raise Halt(Ends.REFUSED, f"{text} Nothing was changed.", "guard.tick")


def consequence(page: Preview) -> str:
    return f"{noun(page.kinds, page.count)}, and that {page.consequence}"


def _ask(organization: Organization, page: Preview, said: Said, voice: Voice) -> Said:
    """The questions of the form, in its order. Every wrong answer ends it, for nothing has changed."""
    if not said.reason:
        must = "" if page.second_person else " (may be left empty)"
        said = replace(said, reason=voice.ask(f"Why are you doing this?{must}"))
    if page.tier == 2 and not said.understood:
        yes = voice.ask(f"This changes {consequence(page)}. Type yes if you understand that:")
        if yes.lower() != "yes":
            raise Halt(Ends.REFUSED, "Nothing was changed.", "guard.tick")
        said = replace(said, understood=True)
    word = WORD_ALONE if said.alone else page.word
    if word and not said.word:
        said = replace(said, word=voice.ask(f"Type the word {word}:"))
    verb = f"Undo {page.undo_of}" if page.undo_of else f"{page.verb} {page.what}"
    typed = voice.ask(f"{verb} for {organization.title} now? Type {organization.slug} to go on:")
    if typed != organization.slug:
        raise Halt(Ends.REFUSED, f"That is not {organization.slug}. Nothing was changed.", "shell.not-confirmed")
    return said


def preview_only(page: Preview, voice: Voice) -> Ends:
    """The whole of `act preview`: shown, with the digest by which a script starts it."""
    show(page, voice)
    if nothing_to_do(page):
        return voice.give(Ends.PROVEN, preview=preview_as_json(page))
    if page.blockers:
        voice.say("This cannot be started now.")
        return voice.give(Ends.REFUSED, preview=preview_as_json(page))
    voice.say(f"Digest, valid until {page.expires_at:%H:%M:%S} UTC: {page.digest}")
    return voice.give(Ends.PROVEN, preview=preview_as_json(page))
