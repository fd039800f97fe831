"""What the pages show, as lines of text and as JSON: what is broken, a preview, and how a run stands."""

from __future__ import annotations

from collections.abc import Iterator

from console import words
from console.pages.home import headline as home_headline
from console.pages.run import headline as run_headline
from console.printing import at, columns
from console.words import listed, many, sentence
from incidents.domain.diagnosis import Damage
from incidents.domain.findings import Severity
from incidents.domain.runs import Outcome, Step
from incidents.models import Organization
from incidents.selectors.home import Card, Home
from incidents.selectors.preview import Preview
from incidents.selectors.run import AtPlace, RunPage
from incidents.selectors.stages import Status

FAULTS: dict[str, str] = {
    Damage.WITHDRAWN: "not advertised",
    Damage.WITHDRAWN_UNBOUND: "not advertised, and its service settings are gone",
    Damage.BAD_DEPLOY: "not working",
    Damage.MISROUTED: "traffic is not where it should be",
    Damage.POLICY_BLOCKS: "wrong policy",
    Damage.RECORD_WRONG: "wrong record",
    Damage.KEYS_WRONG: "wrong keys",
    Damage.DRIFTED: "different from what was last proven to work",
    Damage.UNREACHABLE_ELSEWHERE: "not reachable, though all is right on our side",
    Damage.UNKNOWN: "no data",
}
SIGNS = {Severity.BLOCKER: "✕", Severity.WARNING: "!", Severity.NOTE: "-", Severity.PASSED: "✓"}
OVER = (Status.DONE, Status.LEFT_OUT)
CARD_HEAD = ("resource", "what is wrong", "where", "since (UTC)", "what you can do")
PLACE_HEAD = ("location", "change", "from outside")


def tell_home(organization: Organization, page: Home) -> Iterator[str]:
    """What is broken, the oldest first, and what can be done about it."""
    yield f"{organization.title} ({organization.slug}): {home_headline(page)}."
    if page.old:
        yield "Our own looking has stopped, so this may be old. See manage.py doctor."
    for pause in page.pauses:
        yield f"Paused since {at(pause.since)} UTC{f', {pause.action}' if pause.action else ''}: {pause.because}"
    if page.cards:
        yield from columns([CARD_HEAD, *(_card(card) for card in page.cards)])
    if page.put_back:
        yield f"Everything at once: act preview restore_to --everything --organization {organization.slug}"
    for line in page.activity:
        how = line.outcome or line.phase
        yield f"{line.reference}  {line.verb} {line.what}, {at(line.accepted_at)} UTC, by {line.by}: {how}"


def home_as_json(organization: Organization, page: Home) -> dict[str, object]:
    return {
        "organization": organization.slug,
        "headline": home_headline(page),
        "checked_at": page.checked_at,
        "old": page.old,
        "incident": page.incident,
        "watched": page.total,
        "broken": [_card_as_json(card) for card in page.cards],
        "runs": [
            {"reference": line.reference, "phase": line.phase, "outcome": line.outcome, "because": line.because}
            for line in page.activity
        ],
    }


def tell_preview(page: Preview) -> Iterator[str]:
    """Every change, what was checked, and what stands in the way. Nothing has changed by it."""
    if not page.count:
        yield f"There is nothing to {page.verb.lower()}. Nothing has changed."
    else:
        yield f"{page.verb} {page.undo_of or page.what}. Nothing has changed yet."
        if page.behalf:
            yield f"You do this for the customer, as {page.behalf} asked. Both names are kept."
        if page.in_full:
            changes = [
                (item.name, one.location, one.now, "->", one.after) for item in page.items for one in item.routes
            ]
        else:
            changes = [(many(one.count, "change"), one.location, one.now, "->", one.after) for one in page.groups]
        yield from columns(changes)
        yield f"In {many(len(page.stages), 'step')}: {'; then '.join(listed(stage) for stage in page.stages)}."
        yield f"What will not change: {page.stays}."
        if page.left_out:
            yield f"Left out, for no answer comes from there: {listed(page.left_out)}."
        yield f"Usually {words.usually(page.usual)}."
    for finding in (*page.checks, *page.blockers):
        code = f" [{finding.code}]" if finding.severity is not Severity.PASSED else ""
        yield f"{SIGNS[finding.severity]} {finding.text}{code}"
    if page.busy:
        yield f"At it already: {listed(page.busy)}."


def preview_as_json(page: Preview) -> dict[str, object]:
    return {
        "digest": page.digest,
        "action": page.action,
        "undo_of": page.undo_of,
        "what": page.what,
        "may_start": bool(page.count) and not page.blockers,
        "tier": page.tier,
        "second_person": list(page.second_person),
        "word": page.word,
        "expires_at": page.expires_at,
        "changes": [
            {"resource": item.name, "location": one.location, "aspect": one.aspect, "now": one.now, "after": one.after}
            for item in page.items
            for one in item.routes
        ],
        "findings": [finding.as_json() for finding in (*page.checks, *page.blockers)],
        "busy": list(page.busy),
    }


def tell_run(page: RunPage) -> Iterator[str]:
    """How a run stands, location by location; at its end this is the receipt."""
    yield f"{page.reference}: {_whole(run_headline(page))}"
    if page.because:
        yield page.detail if page.because.startswith("guard.") and page.detail else sentence(page.because)
    yield from columns([PLACE_HEAD, *((place.title, _steps(place), _outside(place)) for place in page.places)])
    for one in page.astray.named:
        why = sentence(one.because) if one.because else one.detail
        yield f"✕ {one.name} in {one.location}: {words.STEPS[one.step]}. {why} [{one.because}]"
    if page.astray.more:
        yield f"and {page.astray.more} more that are not as planned"
    if page.undo.by:
        yield f"Undone by {page.undo.by}."
    elif page.undo.until is not None:
        later = f", safely from {at(page.undo.safe_from)} UTC" if page.undo.safe_from else ""
        yield f"It can be undone until {at(page.undo.until)} UTC{later}: act undo {page.reference}"


def tell_now(page: RunPage) -> str:
    """How far it is, in one line."""
    step = next((one for one in page.stages if one.check not in OVER), None)
    where = ""
    if step is not None and page.is_live:
        where = f" (step {step.number + 1} of {len(page.stages)}, {step.in_place} of {step.total} in place)"
    why = f" {sentence(page.because)}" if page.because else ""
    return f"{run_headline(page).rstrip('.')}{where}.{why}"


def run_as_json(page: RunPage) -> dict[str, object]:
    return {
        "reference": page.reference,
        "action": page.action,
        "what": page.what,
        "by": page.by,
        "phase": page.phase,
        "outcome": page.outcome,
        "because": page.because,
        "detail": page.detail,
        "headline": run_headline(page),
        "proven": is_proven(page),
        "accepted_at": page.accepted_at,
        "ended_at": page.ended_at,
        "undo_until": page.undo.until,
        "places": [{"location": one.title, "steps": one.steps, "outside": one.outside} for one in page.places],
        "astray": [
            {"resource": one.name, "location": one.location, "step": one.step, "because": one.because}
            for one in page.astray.named
        ],
    }


def is_proven(page: RunPage) -> bool:
    """Whether it ended as it should, seen from outside, and nobody had to go on without that."""
    return page.outcome == Outcome.SUCCEEDED and page.overruled is None and not page.because


def _whole(sentence: str) -> str:
    return sentence if sentence.endswith(".") else f"{sentence}."


def _card(card: Card) -> tuple[str, ...]:
    return (card.name, _fault(card), _where(card), at(card.since) if card.since else "", _remedy(card))


def _card_as_json(card: Card) -> dict[str, object]:
    return {
        "resource": card.name,
        "kind": str(card.kind),
        "damage": str(card.damage),
        "unreachable": list(card.unreachable),
        "affected": list(card.affected),
        "since": card.since,
        "action": card.action,
        "run": card.live.reference if card.live else "",
    }


def _fault(card: Card) -> str:
    return "not reachable" if card.unreachable else FAULTS.get(card.damage, str(card.damage))


def _where(card: Card) -> str:
    places: tuple[str, ...] = card.unreachable or card.affected or card.unseen
    return "everywhere" if len(places) == card.places > 1 else listed(places, most=3)


def _remedy(card: Card) -> str:
    if card.live is not None:
        return f"{card.live.reference} is at it"
    if card.action:
        return card.action
    if card.queued is not None:
        return "our engineers have it"
    if card.repair:
        return f"{card.repair}, which {' or '.join(card.ask)} may run" if card.ask else f"{card.repair}: call us"
    return "nothing by yourself: call us"


def _steps(place: AtPlace) -> str:
    if place.total == 1:
        return words.STEPS[next(iter(place.steps))]
    return ", ".join(f"{count} {words.STEPS[step]}" for step, count in place.steps.items() if count)


def _outside(place: AtPlace) -> str:
    for value in ("fail", "error", "inconclusive", "", "pass"):
        if place.outside.get(value):
            sign, word, _ = words.MARKS[value]
            return f"{sign} {word}"
    return "Not measured" if place.steps.get(Step.LEFT) else "Not measured yet"
