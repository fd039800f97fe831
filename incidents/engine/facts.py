"""Reads resources with a fresh look at each of their bindings: what an action resolves from."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from incidents.domain.changes import Change, State, bare, is_unreadable, same, whole_way, why_unreadable
from incidents.domain.errors import HandrailError
from incidents.domain.facts import BindingFacts, Good, ResourceFacts
from incidents.domain.findings import Finding
from incidents.domain.kinds import Kind
from incidents.domain.known_good import is_damaged
from incidents.domain.routes import origin
from incidents.domain.rpki import Origin, Validity
from incidents.engine import hand_backs, known_good, looking
from incidents.engine.backends import TOOLS, Pending, ask_all
from incidents.engine.validating import ask_listeners, ask_validator
from incidents.models import Binding, Resource
from incidents.models.clock import database_now


def load_facts(resources: Sequence[Resource], source: str) -> tuple[ResourceFacts, ...]:
    """Looks at every binding of these resources now, writes down what has changed, and gives the facts.

    Args:
        source: who looks, for the observation: "preview" or the reference of a run.
    """
    rows = list(
        Binding.objects.filter(resource__in=resources)
        .select_related("location", "backend", "good")
        .order_by("location__position", "aspect")
    )
    began = database_now()
    sighted = looking.look((row.pk, row.backend.slug, row.key) for row in rows)
    if news := looking.find_news(sighted.states, began):
        with transaction.atomic():
            looking.write_down(news, began, source)
    sides: dict[uuid.UUID, list[BindingFacts]] = defaultdict(list)
    away = hand_backs.states_away()
    # A plan is made of these, so the digest of each is taken anew.
    older = known_good.instead_of(
        [row.pk for row in rows if row.good is not None and is_damaged(row.good.state, row.good.digest)]
    )
    for row in rows:
        sides[row.resource_id].append(_binding(row, sighted, away.get(str(row.pk), ()), older))
    return tuple(
        ResourceFacts(str(row.pk), row.kind, row.name, row.settings, tuple(sides[row.pk])) for row in resources
    )


def with_validity(resources: Sequence[ResourceFacts], validator: str) -> tuple[ResourceFacts, ...]:
    """The same, with what the RPKI says of each known-good origin.

    Args:
        validator: slug of the probe that is asked; nobody is asked when it is empty. One that does not answer, or whose
            own code breaks, makes everything unknown.
    """
    if not validator:
        return tuple(resources)
    routes = {resource.id: (asn, resource.name) for resource in resources if (asn := _origin(resource)) is not None}
    answers = ask_validator(validator, sorted(set(routes.values())))
    nobody = Validity(Origin.UNKNOWN, detail="its route does not say which network it comes from")
    return tuple(
        replace(resource, validity=answers[routes[resource.id]] if resource.id in routes else nobody)
        for resource in resources
    )


def with_origins(resources: Sequence[ResourceFacts], probes: Sequence[str]) -> tuple[ResourceFacts, ...]:
    """The same, with whom the collectors behind these probes hear announcing each prefix now."""
    names = [resource.name for resource in resources if resource.kind == Kind.PREFIX]
    heard = ask_listeners(probes, names) if names else {}
    return tuple(replace(resource, heard=heard.get(resource.name, frozenset())) for resource in resources)


def _origin(resource: ResourceFacts) -> int | None:
    """The AS that would announce it again: that of the known-good route."""
    goods = [side.good.state for side in resource.bindings if side.aspect == "route" and side.good is not None]
    return next((asn for state in goods if (asn := origin(state)) is not None), None)


def rehearse(changes: Sequence[Change]) -> tuple[Finding, ...]:
    """What the backends say to these changes when they only pretend, as far as they can and answer."""
    batches: dict[str, list[Change]] = defaultdict(list)
    # What one binding goes through step by step is tried as one change.
    for change in whole_way(changes):
        batches[change.backend].append(bare(change))

    def begin(backend: str) -> Pending[Sequence[Finding]]:
        return TOOLS.adapter(backend).call(lambda adapter: adapter.rehearse(batches[backend]))

    said = ask_all(batches, begin).values()
    return tuple(finding for answer in said if not isinstance(answer, HandrailError) for finding in answer)


def _binding(
    row: Binding, sighted: looking.Sighted, away: Sequence[State], older: Mapping[int, Good | None]
) -> BindingFacts:
    """One side; `older` is what stands in for a known-good state that is damaged."""
    now = sighted.states.get(row.pk)
    good = older[row.pk] if row.pk in older else known_good.good_of(row.good) if row.good else None
    silence = sighted.silent.get(row.backend.slug, "")
    unreadable = now is not None and is_unreadable(now)
    if now is not None and unreadable:
        silence, now = why_unreadable(now), None
    return BindingFacts(
        id=str(row.pk),
        location=row.location.slug,
        location_title=row.location.title,
        backend=row.backend.slug,
        aspect=row.aspect,
        key=row.key,
        now=now,
        silence=silence,
        unreadable=unreadable,
        good=good,
        away=now is not None and any(same(now, state) for state in away),
        damaged=row.pk in older,
    )


def as_of(resources: Sequence[ResourceFacts], moment: datetime) -> tuple[ResourceFacts, ...]:
    """The same, with what had been proven good by that moment; it may have been otherwise at the moment itself."""
    bindings = Binding.objects.filter(resource__in=[resource.id for resource in resources])
    found = known_good.good_at(bindings, moment)
    return tuple(
        replace(
            resource,
            bindings=tuple(
                replace(side, good=found[int(side.id)], then=True, damaged=False) for side in resource.bindings
            ),
        )
        for resource in resources
    )
