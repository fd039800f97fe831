"""The steps that act on targets: look, mend, apply."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db.models import F, QuerySet

from incidents.adapters.base import Adapter
from incidents.audit.log import ENGINE, Entry, append, in_batches, recorded
from incidents.domain.canonical import JsonObject
from incidents.domain.changes import SHARED, Cause, Change, Receipt, Reply, State, bare, is_unreadable, same, status_of
from incidents.domain.circumstances import Proposal
from incidents.domain.decisions import Apply, Look, Mend
from incidents.domain.errors import BackendUnreachable, HandrailError
from incidents.domain.findings import Finding, blockers
from incidents.domain.runs import Seen, Step
from incidents.engine import looking
from incidents.engine.approving import what_is_missing
from incidents.engine.backends import TOOLS, Pending, ask_all
from incidents.engine.behalf import on_behalf
from incidents.engine.breakers import weigh_effect
from incidents.engine.capacity import shortage_now
from incidents.engine.circumstances import ask_guards
from incidents.engine.passes import Aim, Pass
from incidents.models import Attempt, Binding, Preapproval, Target
from incidents.models.bulk import insert

# Changes that repair nothing are made so many at a time, with the guards asked anew each time.
DAMAGE_AT_ONCE = 50


def look(opened: Pass, decision: Look) -> None:
    """Observes targets and keeps what was seen for the rest of this pass."""
    aims = [opened.aims[index] for index in decision.indices]
    began = opened.claim.now()
    carriers = _carriers(aims)
    bindings = [(int(aim.change.binding), aim.change.backend, aim.change.key) for aim in aims]
    sighted = looking.look([*bindings, *((row.pk, row.backend.slug, row.key) for row in carriers.values())])
    opened.looked_at = began
    for aim in aims:
        aim.seen = _compare(aim.change, sighted)
        carrier = carriers.get((aim.row.resource_id, aim.row.location_id))
        if aim.seen is Seen.AFTER and aim.change.aspect == "source" and carrier is not None:
            aim.seen = _carried_out(aim.change, sighted.states.get(carrier.pk))
    # Most looks find what was seen last; then there is nothing to make durable.
    if news := looking.find_news(sighted.states, began):
        with recorded():
            opened.claim.write()
            looking.write_down(news, began, opened.run.reference)


def _carriers(aims: Sequence[Aim]) -> dict[tuple[uuid.UUID, int], Binding]:
    """The clusters that carry out what is changed in Git, by resource and location."""
    sources = [aim.row for aim in aims if aim.change.aspect == "source"]
    if not sources:
        return {}
    rows = Binding.objects.filter(aspect="deploy", resource__in={row.resource_id for row in sources})
    return {(row.resource_id, row.location_id): row for row in rows.select_related("backend")}


def _carried_out(change: Change, now: State | None) -> Seen:
    """Whether the cluster runs what Git says; where that is not known, whether it has left what it ran before."""
    if now is None or is_unreadable(now):
        return Seen.UNSETTLED
    if change.carried_after is not None and not same(now, change.carried_after):
        return Seen.UNSETTLED
    if change.carried_after is None and change.carried_before is not None and same(now, change.carried_before):
        return Seen.UNSETTLED
    return _how_far(now)


def _compare(change: Change, sighted: looking.Sighted) -> Seen:
    now = sighted.states.get(int(change.binding))
    if now is None or is_unreadable(now):
        return Seen.UNREADABLE
    # `after` first: where a plan changes nothing, it is in place.
    if same(now, change.after):
        return _how_far(now)
    return Seen.BEFORE if same(now, change.before) else Seen.OTHER


def _how_far(now: State) -> Seen:
    """How far a backend has come with what it was told, by what it tells besides."""
    status = status_of(now)
    if status.get("settled") is False:
        return Seen.STUCK if status.get("problem") else Seen.UNSETTLED
    return Seen.AFTER


def mend(opened: Pass, decision: Mend) -> None:
    """Writes down what looking has settled."""
    now = opened.claim.now()
    groups: dict[tuple[Step, str], list[Aim]] = defaultdict(list)
    for index, step, because in decision.steps:
        groups[step, because].append(opened.aims[index])
    still_open = {index for index, aim in opened.aims.items() if aim.row.step in (Step.WAITING, Step.ATTEMPTED)}
    settled = still_open <= {index for index, _, _ in decision.steps}
    with recorded():
        opened.claim.write(in_place_at=now if settled else None)
        opened.run.in_place_at = now if settled else None
        for (step, because), aims in groups.items():
            detail = _detail(opened, aims[0], because)
            _rows(opened, aims).update(step=step, because=because, detail=detail, changed_at=now)
            for aim in aims:
                aim.row.step, aim.row.because = step, because
        append(
            *[
                entry
                for (step, because), aims in groups.items()
                for entry in _entries(opened, f"target.{step}", aims, {"because": because})
            ]
        )


def _detail(opened: Pass, aim: Aim, because: str) -> str:
    """What the backend last said about a target that failed; the page shows it beside the code."""
    if not because.startswith("backend."):
        return ""
    said = Attempt.objects.filter(target=aim.row).order_by("-number").values_list("detail", flat=True).first()
    return said or ""


def apply(opened: Pass, decision: Apply) -> tuple[Finding, ...]:
    """Asks the guards, commits an intent for each target, and only then asks the backends.

    Returns the blockers; when there are any, nothing was attempted. Raises Overtaken when a person has written to
    the run meanwhile: a stop comes before the next effect.
    """
    aims = [opened.aims[index] for index in decision.indices]
    if not opened.plan.rescue:
        # What repairs nothing goes in small pieces, so that the breaker is asked before much is done.
        aims = aims[:DAMAGE_AT_ONCE]
    if against := _short(opened, aims):
        return against
    now = opened.claim.now()
    with recorded():
        # The run's row first: it is what fences another owner out.
        opened.claim.write(unless_overtaken=True, stage_began_at=now)
        proposal = Proposal.of(opened.plan, tuple(aim.change for aim in aims))
        if not opened.plan.handing_back:
            weigh_effect(opened.run, proposal, now)
        against = blockers(_guards(opened, proposal))
        if not against:
            _intend(opened, aims)
    if against:
        return against
    opened.run.stage_began_at = now
    receipts = _send(opened, aims)
    with recorded():
        opened.claim.write()
        _write_receipts(opened, aims, receipts)
    return ()


def _short(opened: Pass, aims: Sequence[Aim]) -> tuple[Finding, ...]:
    """Traffic is only moved to what can carry it now. Asks the network, so it is asked before anything is locked."""
    shared = [aim.change for aim in aims if aim.change.aspect in SHARED]
    if not shared:
        return ()
    against = shortage_now(shared, opened.plan.terms.minimum_percent, opened.run.reference)
    opened.claim.renew()
    return against


def _guards(opened: Pass, proposal: Proposal) -> tuple[Finding, ...]:
    run, plan = opened.run, opened.plan
    preapproval = Preapproval.objects.filter(pk=run.plan.preapproval_id).select_related("organization").first()
    return ask_guards(
        proposal,
        preapproval,
        run.started_by,
        run,
        opened.claim.now(),
        agreed=plan.handing_back,
        approval=what_is_missing(run.plan, plan, run.started_by),
    )


def _intend(opened: Pass, aims: Sequence[Aim]) -> None:
    now, epoch = opened.claim.now(), opened.claim.epoch
    insert(Attempt, [(aim.row.pk, aim.row.attempts + 1) for aim in aims], "target_id", "number", epoch=epoch, at=now)
    _rows(opened, aims).update(step=Step.ATTEMPTED, attempts=F("attempts") + 1, changed_at=now)
    for aim in aims:
        aim.row.step, aim.row.attempts, aim.seen = Step.ATTEMPTED, aim.row.attempts + 1, None
        aim.replies.append("")
    append(*_entries(opened, "target.attempted", aims, {"epoch": epoch, "plan": opened.run.plan_id}))


def _send(opened: Pass, aims: Sequence[Aim]) -> dict[int, Receipt]:
    """One call a backend, all at the same time; a receipt for every target, by its index."""
    batches: dict[str, list[Aim]] = defaultdict(list)
    for aim in aims:
        batches[aim.change.backend].append(aim)
    run = opened.run
    cause = Cause(f"{run.pk}:{run.stage}", run.reference, run.started_by.username, run.reason)

    def begin(backend: str) -> Pending[Sequence[Receipt]]:
        changes = [bare(aim.change) for aim in batches[backend]]
        bulkhead = TOOLS.adapter(backend)

        def apply(adapter: Adapter) -> Sequence[Receipt]:
            # The last thing before the effect: an owner that froze, or waited for a slot, past its lease sends nothing.
            if opened.claim.left() < timedelta(seconds=bulkhead.budget):
                raise BackendUnreachable(f"{backend} was not asked, for this owner's time was over")
            return adapter.apply(changes, cause)

        return bulkhead.call(apply)

    receipts: dict[int, Receipt] = {}
    for backend, answer in ask_all(batches, begin).items():
        batch = batches[backend]
        if isinstance(answer, HandrailError):
            answer = [_receipt_of(aim.change, answer) for aim in batch]
        receipts |= {aim.row.index: receipt for aim, receipt in zip(batch, answer, strict=True)}
    return receipts


def _receipt_of(change: Change, error: HandrailError) -> Receipt:
    """What an error says about a change: only when nothing was sent is it certainly without effect."""
    sent = not isinstance(error, BackendUnreachable)
    return Receipt(change.key, Reply.UNANSWERED if sent else Reply.NOT_SENT, str(error))


def _write_receipts(opened: Pass, aims: Sequence[Aim], receipts: dict[int, Receipt]) -> None:
    now = opened.claim.now()
    groups: dict[tuple[int, Reply, str], list[Aim]] = defaultdict(list)
    for aim in aims:
        receipt = receipts[aim.row.index]
        aim.replies[-1] = str(receipt.reply)
        groups[aim.row.attempts, receipt.reply, receipt.detail[:300]].append(aim)
    for (number, reply, detail), group in groups.items():
        Attempt.objects.filter(target__in=_rows(opened, group).values("pk"), number=number).update(
            reply=reply, detail=detail, answered_at=now
        )
    append(
        *[
            entry
            for (number, reply, detail), group in groups.items()
            for entry in _entries(
                opened, "target.answered", group, {"attempt": number, "reply": str(reply), "detail": detail}
            )
        ]
    )


def _rows(opened: Pass, aims: Sequence[Aim]) -> QuerySet[Target]:
    """These targets in the database. Most often it is the whole stage, which needs no list of a thousand keys."""
    stage = Target.objects.filter(run=opened.run, stage=opened.run.stage)
    return stage if len(aims) == len(opened.aims) else stage.filter(pk__in=[aim.row.pk for aim in aims])


def _entries(opened: Pass, event: str, aims: Sequence[Aim], data: JsonObject) -> Iterable[Entry]:
    """Audit entries that name every target, a location at a time."""
    behalf = on_behalf(opened.run.plan)
    by_location: dict[str, list[str]] = defaultdict(list)
    for aim in aims:
        by_location[aim.change.location].append(aim.change.name)
    for location, names in by_location.items():
        for some in in_batches(names):
            yield Entry(
                event,
                ENGINE,
                opened.run.organization.slug,
                str(opened.run.pk),
                {
                    "reference": opened.run.reference,
                    "stage": opened.run.stage,
                    "location": location,
                    "resources": some,
                    **data,
                    **behalf,
                },
            )
