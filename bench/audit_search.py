"""The reviewer's searches at a million varied audit entries: queries and p95, beside a look-up by primary key."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from bench.figures import milliseconds, percentile, say, seconds

if TYPE_CHECKING:
    from incidents.audit.log import Entry
    from incidents.selectors.audit import Search

ENTRIES = 1_000_000
AT_ONCE = 2_000
ROUNDS = 60
ORGANIZATIONS, PEOPLE, RESOURCES = 200, 1_000, 5_000
# What happened in the first twentieth of the log only, and often there.
LONG_AGO = "flood"


def audit_search(entries: int = ENTRIES) -> None:
    """Prints what appending costs, and a line a kind of search."""
    from django.db import connection

    _append(entries)
    with connection.cursor() as cursor:
        # What autovacuum does in use.
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")
    _cost_of_one()
    base = _measure(_look_up())
    say(f"{connection.vendor}: one entry by its key", *_figures(base, base))
    for name, work in _searches(entries).items():
        say(f"{connection.vendor}: {name}", *_figures(_measure(work), base))


def _append(entries: int) -> None:
    from django.db import connection

    from incidents.audit import index
    from incidents.audit.log import append, recorded

    source, began, noting = _entries(entries), time.monotonic(), 0.0
    note = index.note

    def timed(*args: object) -> None:
        nonlocal noting
        noting += seconds(lambda: note(*args))  # type: ignore[arg-type]

    index.note = timed  # type: ignore[assignment]
    try:
        while some := list(islice(source, AT_ONCE)):
            with recorded():
                append(*some)
    finally:
        index.note = note
    took = time.monotonic() - began
    each = f"{took / entries * 1e6:.0f} µs an entry"
    say(
        f"{connection.vendor}: {entries} entries appended in {took:.0f} s", each, f"{noting / took:.0%} of it the index"
    )


def _cost_of_one() -> None:
    """One entry a transaction, as most are written, with the index and without."""
    from django.db import connection

    from incidents.audit import index
    from incidents.audit.log import append, recorded

    source, note = _entries(10**9), index.note

    def one() -> None:
        with recorded():
            append(next(source))

    taken: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(300):
        for indexed in taken:
            index.note = note if indexed else lambda *args: None
            taken[indexed].append(seconds(one))
    index.note = note
    with_it, without = (percentile(taken[indexed], 50) for indexed in (True, False))
    say(
        f"{connection.vendor}: one entry appended and committed",
        f"p50 {milliseconds(with_it)}",
        f"{with_it / without:.2f}x of the same without the index",
    )


def _look_up() -> Callable[[], object]:
    from incidents.models import AuditEntry, AuditHead

    size = AuditHead.objects.get(id=1).size
    return lambda: AuditEntry.objects.get(index=random.randrange(size))  # noqa: S311  # no secret


def _searches(entries: int) -> dict[str, Callable[[], object]]:
    """What it is called, and one search of that kind with values that change each time."""
    from incidents.models import AuditEntry
    from incidents.selectors.audit import Scope, Search, search

    whole = Scope(True, {})
    some = Scope(False, {f"org-{number}": "" for number in range(150, 170)})
    times = AuditEntry.objects.order_by("at")
    first, last = times.values_list("at", flat=True)[0], times.reverse().values_list("at", flat=True)[0]

    def kind(make: Callable[[], Search], scope: Scope = whole, **more: int) -> Callable[[], object]:
        return lambda: search(scope, make(), **more)

    def some_time() -> Search:
        since = first + (last - first) * random.random() * 0.9  # noqa: S311
        return Search(since=since, until=since + (last - first) / 50)

    pick = random.randrange
    everything = Search()
    return {
        "newest": kind(lambda: everything),
        "an old page": lambda: search(whole, everything, before=pick(entries)),
        "back to newer": lambda: search(whole, everything, after=pick(entries)),
        "a stretch of time": kind(some_time),
        "a frequent organization": kind(lambda: Search(organization="org-0")),
        "a rare organization": kind(lambda: Search(organization=f"org-{pick(100, 200)}")),
        "a person": kind(lambda: Search(person=f"person-{pick(PEOPLE)}")),
        "a frequent action": kind(lambda: Search(action="target.attempted")),
        "a rare action": kind(lambda: Search(action="breaker.closed")),
        "an action of long ago": kind(lambda: Search(action="breaker.opened")),
        "a resource": kind(lambda: Search(resource=_prefix(pick(RESOURCES)))),
        "an outcome": kind(lambda: Search(outcome="failed")),
        "a frequent word": kind(lambda: Search(words="edge")),
        "a word of one entry": kind(lambda: Search(words=f"ticket-{pick(entries)}")),
        "a word of no entry": kind(lambda: Search(words=f"nothing-{pick(entries)}")),
        "three words": kind(lambda: Search(words=f"edge-{pick(8)} attempted {_prefix(pick(RESOURCES))}")),
        "a frequent word of long ago": kind(lambda: Search(words=LONG_AGO)),
        "two frequent words that never meet": kind(lambda: Search(words="edge network")),
        "all fields": kind(
            lambda: replace(
                some_time(), organization="org-0", person="engine", action="target", outcome="done", words="edge-1"
            )
        ),
        "20 organizations of a reviewer": kind(lambda: Search(action="run"), some),
        "the same, an old page": lambda: search(some, Search(action="run"), before=pick(entries)),
    }


def _measure(work: Callable[[], object]) -> tuple[int, float, float]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    work()
    with CaptureQueriesContext(connection) as captured:
        work()
        queries = len(captured)
    taken = [seconds(work) for _ in range(ROUNDS)]
    return queries, percentile(taken, 50), percentile(taken, 95)


def _figures(found: tuple[int, float, float], base: tuple[int, float, float]) -> tuple[str, ...]:
    queries, p50, p95 = found
    return (
        f"{queries} queries",
        f"p50 {milliseconds(p50)}",
        f"p95 {milliseconds(p95)}",
        f"{p95 / base[2]:.1f}x of the look-up's p95",
    )


def _prefix(number: int) -> str:
    return f"10.{number // 250}.{number % 250}.0/24"


def _entries(count: int) -> Iterator[Entry]:
    """A mixture as years of use leave it: mostly targets of runs, then sign-ins, then the rest."""
    from incidents.audit.log import ENGINE, Actor, Entry

    chance = random.Random(1)  # noqa: S311  # the same each time
    for number in range(count):
        kind = chance.random()
        # A few organizations do most.
        slug = f"org-{int(ORGANIZATIONS * chance.random() ** 3)}"
        who = f"person-{chance.randrange(PEOPLE)}"
        person, run = Actor("person", who, who), f"{number // 40:08x}-0000-4000-8000-000000000000"
        names = [_prefix(chance.randrange(RESOURCES)) for _ in range(chance.randint(1, 3))]
        reference = f"RUN-{number // 40}"
        if number < count // 20 and kind < 0.5:
            yield Entry("breaker.opened", ENGINE, slug, run, {"action": "readvertise_prefix", "because": LONG_AGO})
        elif kind < 0.7:
            event = chance.choice(("target.attempted", "target.answered", "target.in_place"))
            place = f"edge-{chance.randrange(8)}"
            yield Entry(event, ENGINE, slug, run, {"reference": reference, "location": place, "resources": names})
        elif kind < 0.85:
            yield Entry("session.began", person, data={"with": ["password"], "network": f"192.0.{number % 250}.0/24"})
        elif kind < 0.95:
            reason = f"it is down, see ticket-{number}"
            told = {"reference": reference, "action": "readvertise_prefix", "reason": reason}
            yield Entry("run.accepted", person, slug, run, {**told})
        elif kind < 0.9501:
            yield Entry("breaker.closed", person, data={"because": "looked at"})
        else:
            event = chance.choice(("run.failed", "run.succeeded", "run.succeeded"))
            yield Entry(event, ENGINE, slug, run, {"reference": reference, "because": "", "detail": ""})
