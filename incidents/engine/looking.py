"""Looks at bindings through their backends, all backends at a time, and writes down what has changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Q, Subquery

from incidents.domain.changes import State, unreadable
from incidents.domain.errors import HandrailError
from incidents.domain.keysets import private_part
from incidents.engine.backends import TOOLS, Pending, ask_all
from incidents.models import Binding, Observation
from incidents.models.bulk import insert


@dataclass(frozen=True, slots=True)
class Sighted:
    """What came of looking at some bindings.

    Args:
        states: id of the binding -> what it is now; a binding whose backend did not tell is missing.
        silent: slug of a backend that did not tell -> why, for people.
    """

    states: Mapping[int, State]
    silent: Mapping[str, str]


def look(bindings: Iterable[tuple[int, str, str]]) -> Sighted:
    """Observes bindings, given as (id, backend slug, key): one call a backend, all at the same time.

    Takes as long as the slowest backend's budget at most. Writes nothing.
    """
    wanted: dict[str, dict[str, int]] = defaultdict(dict)
    for binding_id, backend, key in bindings:
        wanted[backend][key] = binding_id
    states: dict[int, State] = {}
    silent: dict[str, str] = {}

    def begin(backend: str) -> Pending[Mapping[str, State]]:
        return TOOLS.adapter(backend).call(lambda adapter: adapter.observe(list(wanted[backend])))

    for backend, answer in ask_all(wanted, begin).items():
        if isinstance(answer, HandrailError):
            silent[backend] = str(answer)
        else:
            states |= {wanted[backend][key]: _kept(key, state) for key, state in answer.items()}
    return Sighted(states, silent)


def _kept(key: str, state: State) -> State:
    """The state as it may be stored: nothing of a document with a private key in it, whatever its adapter says."""
    document = state.get("document")
    what = private_part(document) if isinstance(document, str) else ""
    return unreadable(f"{key} is not kept: it holds {what}") if what else state


def find_news(states: Mapping[int, State], at: datetime) -> Mapping[int, State]:
    """Those states that are not what was seen last. One read.

    Args:
        at: when the look began. What somebody else has seen later than that is newer, and stays.
    """
    older = Binding.objects.filter(pk__in=states).filter(Q(seen=None) | Q(seen__at__lte=at))
    return {pk: states[pk] for pk, seen in older.values_list("pk", "seen__state") if seen != states[pk]}


def write_down(news: Mapping[int, State], at: datetime, source: str) -> None:
    """Stores an observation of each of these bindings, and makes it the newest. Call it inside a transaction."""
    if not news:
        return
    insert(Observation, news.items(), "binding_id", "state", at=at, source=source)
    newest = Observation.objects.filter(binding=OuterRef("pk")).order_by("-at", "-pk").values("pk")[:1]
    Binding.objects.filter(pk__in=news).update(seen=Subquery(newest))
