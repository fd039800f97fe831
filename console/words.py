"""Words for people: every code that the machine can write, in a sentence; times, counts and signs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from incidents.domain import traffic
from incidents.domain.canonical import Json
from incidents.domain.changes import State, is_up, label_of
from incidents.domain.kinds import Kind
from incidents.domain.people import Recognised
from incidents.domain.runs import Step
from incidents.domain.strip import Seen
from incidents.domain.tokens import Scope
from incidents.domain.verdicts import Mark
from incidents.selectors.stages import StageLine
from incidents.selectors.usual import Usual

# A test greps the machine for codes and finds each of them here.
CODES = {
    "backend.alters": "Its control system would change what we send.",
    "backend.carrying-out": "Its control system has taken the change and is still carrying it out.",
    "backend.changed": "It has been changed since we looked.",
    "backend.conflict": "Something else is in the way there.",
    "backend.did-nothing": "Its control system was asked several times and did not object, but nothing changed.",
    "backend.gave-up": "Its control system took the change, and then could not carry it out.",
    "backend.locked": "Its control system does not let it be changed.",
    "backend.no-permission": "Our access there does not allow this change.",
    "backend.no-session": "The router there has no neighbour that would hear of it.",
    "backend.no-such-key": "Its control system does not know it any more.",
    "backend.not-rehearsed": "It could not be tried out beforehand.",
    "backend.not-writable": "Its control system cannot be brought to that state.",
    "backend.paused": "Rolling it out is paused on purpose.",
    "backend.refused": "Its control system refused the change.",
    "backend.revision-gone": "The version that was proven to work is no longer there.",
    "backend.try-again": "The last try had no effect. We try again in a moment.",
    "backend.unreachable": "Its control system does not answer.",
    "engine.quarantined": "Our own software broke several times at this run, so it was taken out of service.",
    "guard.away": "It is away from there for a while, on purpose.",
    "guard.breaker": "We have stopped this for everybody, because too much went wrong.",
    "guard.capacity": "Too few locations would be ready to carry the traffic.",
    "guard.community": "A mark on the route would keep other networks from using it.",
    "guard.consent": "The customer's consent to act for them has ended, or its time is over.",
    "guard.cool-down": "It was changed only a short time ago.",
    "guard.drift": "Somebody else has changed it since the preview was made.",
    "guard.exact-prefix": "Our inventory and the network do not mean the same prefix.",
    "guard.expiry": "It was not said for how long, or for too long.",
    "guard.flap": "It was announced only a short time ago. Other networks might ignore it for up to an hour.",
    "guard.freeze": "Runs are paused.",
    "guard.gitops": "Another system would put back whatever is changed there.",
    "guard.incident": "This is allowed only while an incident is open.",
    "guard.key-change": "Keys that were changed on purpose must not be put back.",
    "guard.location": "It was not said at which location.",
    "guard.locked": "Its control system does not let it be changed.",
    "guard.most-resources": "This is more than may be changed in one run.",
    "guard.next-hop": "The route does not say where traffic should go.",
    "guard.no-probe": "We could not see from outside whether it works.",
    "guard.no-session": "The router there has no neighbour that would hear of it.",
    "guard.no-snapshot": "We have never seen it working there.",
    "guard.not-covered": "It is not among the resources that this action may change.",
    "guard.not-ready": "A location is not ready to serve.",
    "guard.not-seen": "It could not be looked at.",
    "guard.not-reverted": "Only the program is put back, not its data and settings.",
    "guard.nothing-left": "Nothing can be put back now.",
    "guard.nothing-to-do": "There is nothing to do.",
    "guard.old-answers": "Others may go by the old answer for a while.",
    "guard.on-call": "This is allowed only to whoever is on call, and we could not see that.",
    "guard.one-at-a-time": "Another run is changing the same thing.",
    "guard.origin": "The route would come from a network that is not authorised for it.",
    "guard.other-origin": "Another network announces it now.",
    "guard.paused": "Rolling it out is paused on purpose.",
    "guard.permission": "The person who started it is no longer allowed to do this.",
    "guard.preapproval": "The rules for this action have been changed since the preview was made.",
    "guard.readiness-unknown": "Nobody can tell whether a location is ready.",
    "guard.record-empty": "A name is never left without an answer.",
    "guard.record-type": "It is a record of another kind now.",
    "guard.rpki": "What is published about who may announce it does not allow this, or could not be checked.",
    "guard.safe-order": "It goes back in a safe order.",
    "guard.seal": "What is stored about this is not what people have agreed to. Call us.",
    "guard.second-person": "A second person has to agree to this.",
    "guard.service-gone": "Its service settings were removed too, so advertising it would not be enough.",
    "guard.snapshot-damaged": "What we kept last of it working there is damaged, so an older state was used.",
    "guard.snapshot-age": "The last time that we saw it working is too long ago.",
    "guard.stranded": "Nothing would be left that answers your users.",
    "guard.tick": "The box that says what will happen was not ticked.",
    "guard.unreachable-location": "A location does not answer.",
    "guard.window-location": "Too much was changed at one location in a short time.",
    "guard.window-organization": "Too much was changed for you in a short time.",
    "guard.window-platform": "Too much was changed for all customers together in a short time.",
    "guard.window-zone": "Too much was changed in one zone in a short time.",
    "hand-back.already-back": "It was back already.",
    "hand-back.changed-by-others": "Somebody else has changed it meanwhile, so we have left it alone.",
    "hand-back.nothing-changed": "That run had moved nothing.",
    "hand-back.place-gone": "Our inventory names another place for it by now, so it stays as it is. Call us.",
    "hand-back.stopped": "A person stopped bringing it back, so it waits for another hour.",
    "hand-back.superseded": "Another run has changed it since, so it does not come back by itself any more.",
    "run.came-undone": "It was back, but when we looked at everything once more, some of it was gone again.",
    "run.deadline": "Its time was over.",
    "run.outcome-unknown": "The change was sent, but no answer came. We look at what really happened.",
    "run.stopped-by-person": "A person stopped it.",
    "run.target-failed": "The change could not be made at some of the locations.",
    "run.unproven": "A person went on although we could not see from outside that it works.",
    "target.already-so": "It was already as it should be.",
    "target.came-undone": "It was in place there for a while, and is not any more.",
    "target.changed-by-others": "Somebody else changed it at the same time.",
    "verdict.error": "Our measuring is out of order, so we cannot prove that it worked.",
    "verdict.fail": "Seen from outside, it was right before the change and is not right now.",
    "verdict.inconclusive": "The change is in place, but we could not see from outside that it works.",
    "verdict.pending": "We are looking from outside whether it has worked.",
}

# Sign, word and class: colour is never the only message.
MARKS: dict[str, tuple[str, str, str]] = {
    Mark.PASS: ("✓", "Reachable", "good"),
    Mark.FAIL: ("✕", "Not reachable", "bad"),
    Mark.INCONCLUSIVE: ("?", "Not sure", "none"),
    Mark.ERROR: ("?", "No data", "none"),
    "": ("?", "Not measured yet", "none"),
}
# The same for a piece of a strip.
SEEN: dict[Seen, tuple[str, str, str]] = {
    Seen.REACHABLE: ("✓", "Reachable", "good"),
    Seen.SLOW: ("!", "Slow", "warn"),
    Seen.OUT: ("✕", "Not reachable", "bad"),
    Seen.NO_DATA: ("?", "No data", "none"),
}
STEPS: dict[str, str] = {
    Step.WAITING: "not sent yet",
    Step.ATTEMPTED: "sent, waiting to see it",
    Step.IN_PLACE: "in place",
    Step.VERIFIED: "in place and proven",
    Step.FAILED: "not done",
    Step.SKIPPED: "left out",
    Step.LEFT: "not touched",
}
ASPECTS = {
    "route": "Route",
    "service": "Service settings",
    "source": "Version in Git",
    "deploy": "Version that runs",
    "weight": "Share of the traffic",
    "document": "Policy",
    "rrset": "Record",
    "keyset": "Public keys",
}
# How a caller was recognised, as whoever speaks to them says it.
RECOGNISED: dict[str, str] = {
    Recognised.CALLED_BACK: "I called them back on a number that we had on file",
    Recognised.WORD: "They gave the word that was agreed with them beforehand",
    Recognised.COLLEAGUE: "Somebody else of theirs, whom I had recognised, confirmed it",
    Recognised.IN_PERSON: "They are here with me, and I know them",
}
# The name of a role, and what it may do.
ROLES: dict[str, tuple[str, str]] = {
    "owners": ("Owner", "Does what an operator does, and invites people, changes their roles and removes them."),
    "operators": ("Operator", "Sees everything, and starts, stops and undoes what is approved."),
    "viewers": ("Viewer", "Sees everything, and changes nothing."),
    "support": ("Our support staff", "Sees everything, and helps when you ask."),
}
# What a token may be used for, and what that means.
SCOPES: dict[str, tuple[str, str]] = {
    Scope.READ: ("Read", "sees what is broken, and how runs go"),
    Scope.PROPOSE: ("Propose", "makes previews, and changes nothing"),
    Scope.RUN: ("Run", "starts, stops and continues runs of what was previewed"),
}
TIERS = {
    1: "a preview and one button",
    2: "a preview, a tick that says what will happen, and one button",
    3: "a preview, a reason, and the yes of a second person",
}
NOUNS = {
    Kind.PREFIX: "prefix",
    Kind.SERVICE: "service",
    Kind.POOL: "service",
    Kind.POLICY: "policy",
    Kind.RECORD: "record",
    Kind.KEYS: "key set",
}
UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def form_within(length: timedelta, moment: datetime, now: datetime) -> str:
    """How a moment of a picture that shows so much time is written; see `datetime.strftime`."""
    if length > timedelta(hours=20) or moment.date() != now.date():
        return "%d %b %H:%M"
    return "%H:%M:%S" if length < timedelta(minutes=30) else "%H:%M"


def sentence(code: str) -> str:
    """The sentence for a code; a code that nobody has written a sentence for is shown as it is."""
    return CODES.get(code, code)


def many(count: int, one: str) -> str:
    """`1 prefix`, `2 prefixes`, `3 locations`."""
    plural = f"{one}es" if one.endswith(("x", "s")) else f"{one[:-1]}ies" if one.endswith(("cy", "ry")) else f"{one}s"
    return f"{count} {one if count == 1 else plural}"


def noun(kinds: Collection[str], count: int) -> str:
    """`1 prefix`, `2 services`; with several kinds `3 things`."""
    words = {NOUNS[Kind(kind)] for kind in kinds}
    return many(count, words.pop() if len(words) == 1 else "thing")


def nouns(kinds: Collection[str]) -> str:
    """`policies`, without a number; with several kinds `things`."""
    return noun(kinds, 2).removeprefix("2 ")


def percent_at(stage: StageLine, percents: Sequence[int]) -> int:
    """How far a stage leads, for a run in steps."""
    return percents[stage.number] if stage.number < len(percents) else 100


def listed(names: Sequence[str], most: int = 8) -> str:
    """`Amsterdam, Frankfurt and Singapore`."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def span(length: timedelta) -> str:
    """A length of time in its two largest units: `1 minute 12 seconds`, `11 minutes`, `2 hours 5 minutes`."""
    left = max(0, int(length.total_seconds()))
    if left < 1:
        return "less than a second"
    parts: list[str] = []
    for size, name in UNITS:
        count, rest = divmod(left, size)
        if count:
            parts.append(many(count, name))
            left = rest
        elif parts:
            break
        if len(parts) == 2 or (parts and count >= 10):
            break
    return " ".join(parts)


def usually(usual: Usual) -> str:
    """`2 to 7 minutes`, `40 seconds to 3 minutes`, `about 5 seconds`."""
    low, high = max(1, round(usual.low.total_seconds())), max(1, round(usual.high.total_seconds()))
    if high >= 120:
        low, high = round(low / 60) * 60 if low >= 60 else low, round(high / 60) * 60
    if low == high:
        return f"about {span(timedelta(seconds=low))}"
    low_words, high_words = span(timedelta(seconds=low)), span(timedelta(seconds=high))
    low_count, _, low_unit = low_words.partition(" ")
    if low_unit.rstrip("s") == high_words.partition(" ")[2].rstrip("s"):
        return f"{low_count} to {high_words}"
    return f"{low_words} to {high_words}"


def describe(aspect: str, state: State | None) -> str:
    """A state of one side in words."""
    if state is None:
        return "not known"
    if aspect == "service":
        return "present" if state.get("bound") is True else "removed"
    if aspect in ("source", "deploy"):
        return label_of(state) or "a version without a name"
    if aspect == "weight":
        return traffic.describe(state)
    if aspect in ("document", "rrset", "keyset"):
        return label_of(state) or ("without a name" if is_up(state) else "gone")
    if state.get("advertised") is not True:
        return "not advertised"
    return "advertised" + "".join(f", {words}" for words in route_details(state))


def route_details(state: State) -> list[str]:
    """Next hop, path and communities of a route, where it has them."""
    found = []
    if state.get("next_hop"):
        found.append(f"next hop {state['next_hop']}")
    for field, word in (("as_path", "path AS"), ("communities", "communities "), ("large_communities", "communities ")):
        value: Json = state.get(field)
        if isinstance(value, list) and value:
            found.append(word + " ".join(str(item) for item in value))
    return found
