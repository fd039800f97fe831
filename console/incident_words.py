"""The timeline of an incident and its hand-over in words, the same on the page, in a file and as text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from console.untrusted import visible
from console.words import CODES, many
from incidents.actions.catalogue import CATALOGUE
from incidents.domain.diagnosis import Damage
from incidents.domain.runs import Outcome, Phase
from incidents.domain.verdicts import Mark
from incidents.models import Incident
from incidents.selectors.hand_over import Broken, HandOver, RunLine
from incidents.selectors.incident_events import Event

GOOD, BAD, WARN, NONE = ("✓", "good"), ("✕", "bad"), ("!", "warn"), ("?", "none")
SAID, DOES = ("✎", "none"), ("→", "none")
DAMAGES: dict[str, tuple[tuple[str, str], str]] = {
    Damage.HEALTHY: (GOOD, "as it should be"),
    Damage.WITHDRAWN: (BAD, "not advertised"),
    Damage.WITHDRAWN_UNBOUND: (BAD, "not advertised, and its service settings are gone"),
    Damage.BAD_DEPLOY: (BAD, "not working: a version runs that was never proven to work"),
    Damage.MISROUTED: (BAD, "traffic goes the wrong way"),
    Damage.POLICY_BLOCKS: (BAD, "another policy is in force than when it last worked"),
    Damage.RECORD_WRONG: (BAD, "the name does not lead where it should"),
    Damage.KEYS_WRONG: (BAD, "the public keys are not the right ones"),
    Damage.DRIFTED: (WARN, "different from what was last proven to work"),
    Damage.UNREACHABLE_ELSEWHERE: (BAD, "not reachable, and the fault is outside of what we can change"),
    Damage.UNKNOWN: (NONE, "we do not know how it is"),
}
SEEN: dict[str, tuple[tuple[str, str], str]] = {
    Mark.PASS: (GOOD, "reachable"),
    Mark.FAIL: (BAD, "not reachable"),
    Mark.INCONCLUSIVE: (NONE, "not sure whether reachable"),
    Mark.ERROR: (NONE, "no data"),
}
OUTCOMES: dict[str, tuple[tuple[str, str], str]] = {
    Outcome.SUCCEEDED: (GOOD, "done, and proven from outside"),
    Outcome.FAILED: (BAD, "did not work"),
    Outcome.ERRORED: (BAD, "our own software failed"),
    Outcome.STOPPED: (WARN, "stopped"),
    Outcome.EXPIRED: (BAD, "its time was over"),
}
DECIDED: dict[str, tuple[tuple[str, str], str]] = {
    "approved": (GOOD, "agreed to it"),
    "alone": (WARN, "went on alone; somebody else reviews it"),
    "denied": (BAD, "did not agree to it"),
    "withdrawn": (WARN, "took the question back"),
    "overtaken": (WARN, "The question was overtaken by another run"),
}
# How a stage was judged from outside.
CHECKED: dict[str, tuple[tuple[str, str], str]] = {
    "pass": (GOOD, "works, seen from outside"),
    "fail": (BAD, "does not work, seen from outside"),
    "inconclusive": (NONE, "could not be proven from outside"),
    "error": (NONE, "could not be measured from outside"),
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """One line: a sign with its class, what happened, and what a person typed with it."""

    sign: str
    kind: str
    text: str
    quoted: str = ""


def sentence_of(event: Event, operator: str) -> Sentence:
    """What happened. `operator` is how the operator of the console is called."""
    (sign, kind), text = _told(event, operator)
    quoted = event.text if event.kind in QUOTED else ""
    return Sentence(sign, kind, visible(text), visible(quoted))


# Where `text` is what a person, or the machine, gave as the reason.
QUOTED = frozenset({
    "note", "run.accepted", "run.overruled", "approval.asked", "approval.decided", "freeze.set", "breaker.opened",
    "incident.opened", "incident.closed", "incident.reopened",
})  # fmt: skip


def _told(event: Event, operator: str) -> tuple[tuple[str, str], str]:
    things = _things(event)
    match event.kind:
        case "diagnosis":
            sign, word = DAMAGES[event.code]
            return sign, f"{things}: {word}"
        case "measurement":
            sign, word = SEEN[event.code]
            return sign, f"{things}: {word} from {_places(event.text)}"
        case "note":
            return SAID, f"{event.by} wrote{' instead' if event.corrects else ''}"
        case "incident.opened" | "incident.closed" | "incident.reopened":
            return _itself(event)
        case "approval.asked":
            return DOES, f"{event.by} asked a second person to agree to “{_verb(event.code)}”"
        case "approval.decided":
            sign, word = DECIDED[event.code]
            return sign, f"{event.by} {word}".strip()
        case "freeze.set" | "freeze.lifted":
            what = f"“{_verb(event.code)}”" if event.code else "Runs"
            go_on = event.kind == "freeze.lifted"
            return (GOOD if go_on else WARN), f"{what} {'may go on' if go_on else f'paused by {operator}'}"
        case "breaker.opened":
            return WARN, f"“{_verb(event.code)}” was stopped for everybody, because too much went wrong"
        case "breaker.closed":
            return GOOD, f"“{_verb(event.code)}” may be used again"
        case _:
            return _of_run(event, things)


def _of_run(event: Event, things: str) -> tuple[tuple[str, str], str]:
    match event.kind:
        case "run.accepted":
            return DOES, f"{event.by} started {event.run}: {event.code} {things}"
        case "run.stop":
            return WARN, f"{event.by} asked {event.run} to stop"
        case "run.sent":
            return DOES, f"{event.run}, step {event.code}: sent {many(event.count, 'change')}"
        case "run.checked":
            sign, word = CHECKED[event.code]
            return sign, f"{event.run}, step {event.what}: {word}"
        case "run.overruled":
            return WARN, f"{event.by} went on with {event.run}, step {event.what}, without proof from outside"
        case _:
            sign, word = OUTCOMES.get(event.code, (NONE, "ended"))
            why = f". {CODES[event.text]}" if event.text in CODES else ""
            return sign, f"{event.run} ended: {word}{why}"


def _itself(event: Event) -> tuple[tuple[str, str], str]:
    if event.kind == "incident.reopened":
        return WARN, "The incident was reopened, because something broke again"
    opened = event.kind == "incident.opened"
    word = "opened" if opened else "closed"
    return (WARN if opened else GOOD), f"{event.by} {word} the incident" if event.by else f"The incident was {word}"


def _things(event: Event) -> str:
    return event.what if event.count == 1 else many(event.count, "thing")


def _places(text: str) -> str:
    return many(int(text), "location") if text.isdecimal() else text


def _verb(action: str) -> str:
    return CATALOGUE[action].words.verb if action in CATALOGUE else action


@dataclass(frozen=True, slots=True)
class Part:
    """One heading of the hand-over, and its lines."""

    title: str
    lines: tuple[str, ...]


def headline(incident: Incident, page: HandOver) -> str:
    """The one sentence that is true now."""
    if incident.closed_at is not None:
        return f"{incident.reference} is closed"
    if not page.broken_total:
        return f"{incident.reference}: nothing is broken any more"
    if page.broken_total == 1:
        one = page.broken[0]
        return f"{incident.reference}: {one.name}: {DAMAGES[one.damage][1]}"
    return f"{incident.reference}: {page.broken_total} of {many(page.total, 'thing')} are not as they should be"


def hand_over(incident: Incident, page: HandOver, operator: str) -> tuple[Part, ...]:
    """What whoever takes over must know, in the order in which they ask."""
    parts = (
        Part("Broken now", tuple(_broken(page)) or ("Nothing.",)),
        Part("What was done", tuple(_done(page)) or ("Nothing yet.",)),
        Part("What is under way", tuple(_live(line) for line in page.under_way) or ("Nothing.",)),
        Part("Who is on it", page.people or ("Nobody has done anything here yet.",)),
        Part("What to do next", tuple(_next(incident, page, operator))),
    )
    return tuple(Part(part.title, tuple(visible(line) for line in part.lines)) for part in parts)


def as_text(title: str, parts: tuple[Part, ...]) -> str:
    """The same to be copied into a message."""
    lines = [visible(title)]
    for part in parts:
        lines += ["", f"{part.title}:", *[f"- {line}" for line in part.lines]]
    return "\n".join(lines)


def at(moment: datetime) -> str:
    return moment.strftime("%d %b %H:%M UTC")


def _broken(page: HandOver) -> Iterator[str]:
    for one in page.broken:
        yield f"{one.name}: {DAMAGES[one.damage][1]}, since {at(one.since)}"
    if page.broken_total > len(page.broken):
        yield f"And {page.broken_total - len(page.broken)} more."


def _done(page: HandOver) -> Iterator[str]:
    for line in page.done:
        yield f"{line.reference}, {line.verb} {line.what}, by {line.by}: {OUTCOMES[line.outcome][1]}, {at(line.at)}"
    if page.done_total > len(page.done):
        yield f"And {page.done_total - len(page.done)} earlier."


def _live(line: RunLine) -> str:
    return f"{line.reference}, {line.verb} {line.what}, started by {line.by}, {at(line.at)}"


def _next(incident: Incident, page: HandOver, operator: str) -> Iterator[str]:
    if incident.closed_at is not None:
        yield "Nothing. It is closed."
        return
    for pause in page.pauses:
        yield f"Nothing starts while {_verb(pause.action) or 'everything'} is paused by {operator}: {pause.because}"
    for line in page.under_way:
        if line.because == "run.outcome-unknown":
            yield f"Do not start {line.reference} again. We are looking at what really happened."
        elif line.phase == Phase.PAUSED:
            yield f"Decide about {line.reference}: its page asks whether to go on."
        else:
            yield f"Wait for {line.reference}. It ends by itself."
    if page.approvals:
        yield f"{many(page.approvals, 'question')} waiting for a second person: see Approvals."
    for one in page.waiting:
        has = f"{one.by} has it" if one.by else "nobody has it yet"
        yield f"{one.name} waits for an engineer: {has}."
    yield from _repairs(page)
    if not page.broken_total and not page.under_way:
        yield "Nothing is broken. It closes by itself when everything stays well, or an owner or our support closes it."


def _repairs(page: HandOver) -> Iterator[str]:
    if page.under_way:
        return
    by_action: dict[str, list[Broken]] = defaultdict(list)
    for one in page.broken:
        by_action[one.repair].append(one)
    waiting = {one.name for one in page.waiting}
    for action, things in by_action.items():
        if action:
            named = things[0].name if len(things) == 1 else many(len(things), "thing")
            yield f"{_verb(action)} {named}: the button is on the home page."
        else:
            names = [one.name for one in things if one.name not in waiting]
            if names:
                yield f"Call us about {', '.join(names[:3])}: there is no button for it."
