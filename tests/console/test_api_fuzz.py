"""Requests that schemathesis makes from the OpenAPI document, with every check that it has, over a real socket.

Printed with `-s`: how many operations, requests and failures there were; docs/api.md keeps the figures.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from pytest_django.live_server_helper import LiveServer
from schemathesis import HookContext
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from schemathesis.hooks import unregister
from schemathesis.transport.prepare import get_exclude_headers

from console.api.document import document
from console.api.keys import HEADER, SHAPE
from incidents.domain.tokens import Scope
from incidents.services import limits
from tests import factories
from tests.console.callers import caller

# So many requests of each operation and kind are made up; those at the limits of each field come besides.
EXAMPLES = 5
# On a machine that is busy with others it makes fewer.
SECONDS = 40
SEED = 20260220


@pytest.fixture(autouse=True)
def keys_of_their_own() -> Iterator[None]:
    """The same key with another body is refused, and rightly; so each request has another one, as long as it was."""
    numbers = itertools.count()

    def before_call(context: HookContext, case: Any, kwargs: dict[str, Any]) -> None:
        key = str(case.headers.get(HEADER, ""))
        # What is left out on purpose would come back with a header that is changed.
        if SHAPE.fullmatch(key) and not get_exclude_headers(case):
            bare = key.strip('"')
            case.headers[HEADER] = key.replace(bare, f"{next(numbers):08d}{bare[8:]}")

    schemathesis.hook(before_call)
    yield
    unregister(before_call)


@pytest.mark.usefixtures("still_world", "committed")
def test_no_request_made_from_the_document_breaks_what_it_promises(
    live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It sends in a minute what no program may.
    for name in ("PREVIEWS_OF_TOKEN", "TOKEN_NETWORK"):
        monkeypatch.setattr(limits, name, limits.Limit(100_000, 60))
    shop = factories.make_organization()
    broken = factories.make_prefix(shop, withdrawn=("edge-a", "edge-b", "edge-c"))
    preapproval = factories.make_preapproval(shop)
    operator = factories.make_person("shop-operator", "example-shop/operators")
    plan = factories.make_plan(operator, preapproval, [broken])
    run = factories.make_ended_run(plan, plan.proposed_at)
    factories.make_looks()
    program = caller(operator, shop, tuple(Scope))
    config = SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "headers": {"Authorization": f"Bearer {program.secret}"},
            "generation": {"max-examples": EXAMPLES, "database": "none"},
            # From one answer on to the next request, as from a run that was started to its stop.
            "phases": {"stateful": {"max-steps": 4, "generation": {"max-examples": EXAMPLES}}},
            "max-time": SECONDS,
            "parameters": {"path.slug": shop.slug, "path.reference": run.reference, "path.digest": plan.digest},
        }
    )
    schema = schemathesis.openapi.from_url(f"{live_server.url}/api/v1/openapi.json", config=config)
    named = {
        f"{method.upper()} {path}" for path, methods in json.loads(document())["paths"].items() for method in methods
    }
    operations: set[str] = set()
    statuses: Counter[int] = Counter()
    checks: Counter[str] = Counter()
    failures: list[str] = []
    for event in from_schema(schema).execute():
        if isinstance(event, (NonFatalError, FatalError)):
            failures.append(str(event))
        if not isinstance(event, ScenarioFinished):
            continue
        if event.label in named:
            operations.add(event.label)
        statuses.update(one.response.status_code for one in event.recorder.interactions.values() if one.response)
        for nodes in event.recorder.checks.values():
            checks.update(node.name for node in nodes)
            failures += [f"{event.label}: {node.failure_info}" for node in nodes if node.status is Status.FAILURE]

    told = ", ".join(f"{count} of {status}" for status, count in sorted(statuses.items()))
    print(
        f"\nschemathesis: {len(operations)} operations, {sum(statuses.values())} requests ({told}), "
        f"{sum(checks.values())} checks of {len(checks)} kinds, {len(failures)} failures"
    )
    assert operations == named
    assert not failures, "\n\n".join(failures[:5])
