"""A console that has been in use for years: ten thousand runs, a million audit entries.

One run is carried out for real; the others are copies of its rows, each with a plan, a digest and seals of its own,
so that every check that a page makes of a row holds for each. The audit entries are appended by the console's own
`append`, so that the tree over them is whole.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from django.db.models import Model

    from incidents.audit.log import Entry
    from incidents.models import Run

# What one transaction takes.
AT_ONCE = 1_000
APART = timedelta(minutes=40)
# So many runs belong to the incident that is looked at, and to each of the older ones.
LARGEST, IN_EACH = 500, 20

Row = TypeVar("Row", bound="Model")


def carry_out_one(resource: str) -> Run:
    """Starts the rescue of a broken prefix as its customer would, and advances the run until it is proven."""
    from incidents.domain.runs import Outcome
    from incidents.engine.advance import advance
    from incidents.models import Organization, Person, Resource
    from incidents.services.propose import propose
    from incidents.services.start import Consent, start

    person = Person.objects.get(username="shop-operator")
    organization = Organization.objects.get(slug="example-shop")
    plan = propose(person, organization, "readvertise_prefix", [Resource.objects.get(name=resource)])
    run = start(person, organization, Consent(plan.digest, str(uuid.uuid4())))
    while run.is_live:
        advance(run.pk)
        run.refresh_from_db()
    if run.outcome != Outcome.SUCCEEDED:
        raise RuntimeError(f"{run}: {run.outcome} {run.because}; there is nothing to copy")
    return run


def copy_runs(run: Run, count: int) -> None:
    """Makes `count` runs like this one, the newest as old as it, each 40 minutes older than the one before."""
    from django.db import transaction

    from incidents.models import Attempt, Plan, StageVerdict, Target
    from incidents.models import Run as Runs

    targets = list(run.targets.order_by("index"))
    attempts = {target.pk: list(target.tries.all()) for target in targets}
    verdicts = list(run.verdicts.all())
    numbers = iter(range(1, count + 1))
    while some := list(islice(numbers, AT_ONCE)):
        made = [_run_like(run, number) for number in some]
        with transaction.atomic():
            _share_out(run, made)
            Plan.objects.bulk_create(other.plan for other in made)
            Runs.objects.bulk_create(made)
            wanted = [(other, target) for other in made for target in targets]
            rows = Target.objects.bulk_create(
                _fresh(target, run=other, changed_at=target.changed_at - _age(run, other)) for other, target in wanted
            )
            Attempt.objects.bulk_create(
                _fresh(attempt, target=row, at=attempt.at - _age(run, other))
                for row, (other, target) in zip(rows, wanted, strict=True)
                for attempt in attempts[target.pk]
            )
            StageVerdict.objects.bulk_create(
                _fresh(verdict, run=other, at=verdict.at - _age(run, other)) for other in made for verdict in verdicts
            )


def fill_log(run: Run, until: int) -> None:
    """Appends entries like those of the run, for other runs of the organization, until the log has so many."""
    from incidents.audit.log import append, recorded
    from incidents.models import AuditHead
    from incidents.models import Run as Runs

    others = [str(pk) for pk in Runs.objects.order_by("accepted_at").values_list("pk", flat=True)]
    entries = _entries_like(run, others)
    missing = until - AuditHead.objects.get(id=1).size
    while missing > 0:
        with recorded():
            append(*islice(entries, min(AT_ONCE, missing)))
        missing -= AT_ONCE


def _run_like(run: Run, number: int) -> Run:
    from incidents.engine.seals import seal_plan, seal_run

    before = APART * number
    value = run.plan.thaw()
    value = replace(value, proposed_at=value.proposed_at - before, expires_at=value.expires_at - before)
    body, digest = value.freeze()
    plan = _fresh(run.plan, digest=digest, body=body, proposed_at=value.proposed_at, expires_at=value.expires_at)
    plan.seal = seal_plan(plan)
    times = {name: getattr(run, name) - before for name in ("accepted_at", "deadline_at", "stage_began_at", "ended_at")}
    other = _fresh(
        run, id=uuid.uuid4(), reference=f"RUN-{number:06d}", plan=plan, idempotency_key=f"copy-{number}", **times
    )
    other.seal = seal_run(other)
    return other


def _share_out(run: Run, made: Sequence[Run]) -> None:
    """The newest runs belong to the incident that is open, the others to closed ones."""
    from incidents.models import Incident

    old = [other for other in made if _age(run, other) > APART * LARGEST]
    for start in range(0, len(old), IN_EACH):
        some = old[start : start + IN_EACH]
        began, ended = some[-1].accepted_at, some[0].ended_at
        incident = Incident.objects.create(organization=run.organization, opened_at=began, closed_at=ended)
        for other in some:
            other.incident = incident


def _age(run: Run, other: Run) -> timedelta:
    return run.accepted_at - other.accepted_at


def _fresh(row: Row, **fields: object) -> Row:
    """The same row again, not stored yet, with other values in these fields."""
    made = type(row)()
    for field in row._meta.concrete_fields:
        if not field.primary_key:
            setattr(made, field.attname, getattr(row, field.attname))
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def _entries_like(run: Run, others: Sequence[str]) -> Iterator[Entry]:
    from incidents.audit.log import Actor, Entry
    from incidents.domain.canonical import decode
    from incidents.models import AuditEntry

    said = []
    for row in AuditEntry.objects.filter(run=str(run.pk)):
        body = decode(bytes(row.body))
        if isinstance(body, dict) and isinstance(body["data"], dict):
            said.append((row.event, body["data"]))
    number = 0
    while True:
        name = f"operator-{int(hashlib.sha256(str(number).encode()).hexdigest(), 16) % 200}"
        for event, data in said:
            yield Entry(event, Actor("person", name, name), "example-shop", others[number % len(others)], data)
        number += 1
