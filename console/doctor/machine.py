"""Whether the machine runs: workers, poller, measurements, inventory, and what keeps runs from starting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from console.doctor.findings import Finding, broken, ok, warn
from console.words import listed, many, span
from incidents.domain.errors import InventoryFault
from incidents.engine.backends import secret_of
from incidents.engine.freshness import FRESH
from incidents.engine.looking import look
from incidents.engine.seals import preapproval_is_sealed
from incidents.inventory.references import is_reference
from incidents.models import Backend, Binding, Freeze, InventoryRevision, Organization, Preapproval, Probe, Resource
from incidents.models.clock import database_now
from incidents.selectors import health
from incidents.selectors.machine import LATE

APPLY = "python manage.py inventory apply inventory.yaml"
WORKER = "Start a worker (`honcho start worker`), or: python manage.py drive"
POLLER = "Start the poller: python manage.py poll"
LISTED = 5


def look_at_machine() -> Iterator[Finding]:
    """How long ago each part did its work. By the database's clock on both sides."""
    ages = health.read_ages(database_now())
    yield _worker(ages)
    if ages.queue > LATE:
        text = f"A run has waited for {span(ages.queue)} for somebody to carry it on. It is not lost."
        yield broken("queue", text, WORKER)
    else:
        yield ok("queue", f"{many(ages.live, 'run')} under way, and none waits for a worker.")
    yield _poller(ages)
    if Probe.objects.exists():
        yield _measurements(ages)


def _worker(ages: health.Ages) -> Finding:
    if ages.sweep is None:
        return broken("worker", "No worker ever ran on this database: nothing that is started begins.", WORKER)
    if ages.sweep > health.SWEEP_LATE:
        text = f"The last worker was seen {span(ages.sweep)} ago: nothing that is started begins."
        return broken("worker", text, WORKER)
    return ok("worker", f"A worker was seen {span(ages.sweep)} ago.")


def _poller(ages: health.Ages) -> Finding:
    if ages.poll is None:
        return broken("poller", "No poller ever ran on this database: pages do not know how anything is.", POLLER)
    if ages.poll > health.POLL_LATE:
        text = f"The poller last began a round {span(ages.poll)} ago: pages show what was, not what is."
        return broken("poller", text, POLLER)
    return ok("poller", f"The poller began a round {span(ages.poll)} ago.")


def _measurements(ages: health.Ages) -> Finding:
    mend = "Look at why the probes do not answer: python manage.py poll --once"
    if ages.measurement is None:
        return broken("measurements", "No probe has ever answered: nothing can be proven.", mend)
    if ages.measurement > FRESH:
        return broken("measurements", f"The newest one is {span(ages.measurement)} old: nothing can be proven.", mend)
    return ok("measurements", f"The newest one is {span(ages.measurement)} old.")


def look_at_inventory() -> Iterator[Finding]:
    """Whether there is anything to watch, who approved what, and whether its secrets can be read here."""
    revision = InventoryRevision.objects.order_by("-pk").first()
    resources = Resource.objects.count()
    if revision is None or not resources:
        yield broken("inventory", "Nothing is watched: no inventory with a resource was applied.", APPLY)
    else:
        there = f"{many(resources, 'resource')} of {many(Organization.objects.count(), 'organization')}"
        yield ok("inventory", f"{there}, applied on {revision.applied_at:%Y-%m-%d %H:%M} UTC by {revision.applied_by}.")
    rows = Preapproval.objects.select_related("organization")
    unsealed = [row.slug for row in rows if not preapproval_is_sealed(row)]
    if unsealed:
        text = (
            f"What was approved is not sealed with this SECRET_KEY, so it lets nothing run: {listed(unsealed, LISTED)}."
        )
        yield broken("seals", text, f"Set the SECRET_KEY of the other hosts, or: {APPLY}")
    unreadable = sorted({why for one in (Backend, Probe) for why in _unreadable(one)})
    if unreadable:
        mend = "Set it where the workers and the poller run."
        yield from (
            broken("secrets", f"A secret of the inventory cannot be read here: {why}.", mend) for why in unreadable
        )


def _unreadable(model: type[Backend] | type[Probe]) -> Iterator[str]:
    for settings in model.objects.values_list("settings", flat=True):
        for reference in _references(settings):
            try:
                secret_of(reference)
            except InventoryFault as fault:
                yield fault.message


def _references(value: object) -> Iterator[str]:
    """Every reference to a secret in the settings of a backend; `file://` begins an address and no reference."""
    if isinstance(value, str):
        if is_reference(value) and not value.startswith("file://"):
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def look_at_pauses() -> Iterator[Finding]:
    """What people and breakers have stopped: no fault, but the answer to "why does nothing start"."""
    for row in Freeze.objects.filter(lifted_at=None).select_related("organization", "by").order_by("since"):
        over = {"everyone": "everyone", "action": row.action}.get(row.scope, str(row.organization))
        text = f"Runs of {over} are paused since {row.since:%Y-%m-%d %H:%M} UTC by {row.by}: {row.because}"
        yield warn("pauses", text, "Whoever may lifts it on the page /desk/freeze.")
    if count := health.open_breakers():
        text = f"{many(count, 'breaker')} stopped an action for everybody, because too much went wrong."
        yield warn("pauses", text, "An engineer reads why and closes it on the page /desk/freeze: docs/guards.md.")


def look_at_backends() -> Iterator[Finding]:
    """Asks every backend for one thing that it keeps, all at a time. Changes nothing."""
    firsts: dict[str, tuple[int, str, str]] = {}
    for pk, slug, key in Binding.objects.order_by("pk").values_list("pk", "backend__slug", "key"):
        firsts.setdefault(slug, (pk, slug, key))
    silent = look(firsts.values()).silent
    for slug, why in sorted(silent.items()):
        text = f"{slug} does not tell: {why.rstrip('.')}. What it keeps cannot be put back."
        yield broken("backends", text, "See whether it runs, and whether this host may reach it.")
    if firsts and not silent:
        yield ok("backends", f"{many(len(firsts), 'backend')} asked, and each one answers.")


def kinds() -> frozenset[str]:
    """Of the backends that there are."""
    return frozenset(Backend.objects.values_list("kind", flat=True).distinct())
