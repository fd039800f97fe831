"""What every adapter promises, over real sockets; on each real thing, or stand-in, of tests/adapters/subjects."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from incidents.adapters.base import Adapter
from incidents.domain.changes import Cause, Change, Reply, State, settings_of
from incidents.domain.errors import AdapterError, BackendTimeout, BackendUnreachable, EmptyBatch, UnknownKey
from tests.adapters.subjects import Subject
from tests.adapters.support import change
from tests.fakes.sockets import dripping, silent

BUDGET = 0.4
CAUSE = Cause("k", "RUN-TEST-01", "shop-operator", "a test")


def see(adapter: Adapter, subject: Subject) -> Mapping[str, State]:
    return {key: settings_of(state) for key, state in adapter.observe(subject.keys).items()}


def lead_to(adapter: Adapter, wanted: Mapping[str, State]) -> list[Change]:
    """Changes from what is now to what is wanted."""
    now = adapter.observe(list(wanted))
    return [change(key, after, before=settings_of(now[key])) for key, after in wanted.items()]


def put(adapter: Adapter, wanted: Mapping[str, State]) -> list[tuple[str, Reply]]:
    return [(receipt.key, receipt.reply) for receipt in adapter.apply(lead_to(adapter, wanted), CAUSE)]


@pytest.fixture
def adapter(subject: Subject) -> Iterator[Adapter]:
    """An adapter whose two keys are both at `nothing`."""
    made = subject.adapter()
    put(made, dict.fromkeys(subject.keys, subject.nothing))
    yield made
    made.close()


def test_what_is_applied_is_observed_exactly(subject: Subject, adapter: Adapter) -> None:
    for after in (*subject.states, subject.nothing):
        assert put(adapter, dict.fromkeys(subject.keys, after)) == [(key, Reply.ACCEPTED) for key in subject.keys]
        assert see(adapter, subject) == dict.fromkeys(subject.keys, after)


def test_observe_and_rehearse_have_no_effect(subject: Subject, adapter: Adapter) -> None:
    put(adapter, {subject.keys[0]: subject.states[0]})
    effects = subject.effects()
    first = see(adapter, subject)
    adapter.rehearse(lead_to(adapter, dict.fromkeys(subject.keys, subject.states[1])))
    assert see(adapter, subject) == first
    assert subject.effects() == effects


def test_applying_what_is_there_changes_nothing(subject: Subject, adapter: Adapter) -> None:
    key = subject.keys[0]
    put(adapter, {key: subject.states[0]})
    before = see(adapter, subject)
    assert put(adapter, {key: before[key]}) == [(key, Reply.ACCEPTED)]
    assert see(adapter, subject) == before


def test_applying_twice_is_applying_once(subject: Subject, adapter: Adapter) -> None:
    batch = lead_to(adapter, dict.fromkeys(subject.keys, subject.states[0]))
    adapter.apply(batch, CAUSE)
    once = see(adapter, subject)
    assert {receipt.reply for receipt in adapter.apply(batch, CAUSE)} == {Reply.ACCEPTED}
    assert see(adapter, subject) == once


def test_one_change_leaves_the_other_keys_alone(subject: Subject, adapter: Adapter) -> None:
    put(adapter, dict.fromkeys(subject.keys, subject.states[0]))
    put(adapter, {subject.keys[0]: subject.nothing})
    assert see(adapter, subject) == {subject.keys[0]: subject.nothing, subject.keys[1]: subject.states[0]}


def test_a_batch_may_change_keys_in_different_ways(subject: Subject, adapter: Adapter) -> None:
    first, second = subject.keys
    put(adapter, {first: subject.states[0]})
    wanted = {first: subject.nothing, second: subject.states[1]}
    assert [key for key, _ in put(adapter, wanted)] == [first, second]
    assert see(adapter, subject) == wanted


def test_what_is_neither_before_nor_after_is_left_alone(subject: Subject, adapter: Adapter) -> None:
    """Where the backend can compare. Where it cannot, absolute changes are all that there is."""
    key = subject.keys[0]
    stale = lead_to(adapter, {key: subject.states[0]})
    put(adapter, {key: subject.states[1]})
    (receipt,) = adapter.apply(stale, CAUSE)
    assert receipt.reply is (Reply.REFUSED if subject.compares else Reply.ACCEPTED)
    assert see(adapter, subject)[key] == subject.states[1 if subject.compares else 0]


def test_an_empty_batch_and_an_unknown_key_are_refused_before_anything_is_sent(subject: Subject) -> None:
    with subject.peer(silent) as peer:
        adapter = subject.make(peer.address, subject.keys, BUDGET, subject.settings)
        for empty in (lambda: adapter.observe([]), lambda: adapter.apply([], CAUSE)):
            with pytest.raises(EmptyBatch):
                empty()
        stranger = "192.0.2.0/24"
        with pytest.raises(UnknownKey):
            adapter.observe([subject.keys[0], stranger])
        with pytest.raises(UnknownKey):
            adapter.apply([change(subject.keys[0], subject.nothing), change(stranger, subject.nothing)], CAUSE)
        assert adapter.rehearse([]) == []
        assert peer.met == 0
        adapter.close()


@pytest.mark.parametrize("meet", [silent, dripping])
def test_the_deadline_holds(subject: Subject, meet: Callable[..., None]) -> None:
    with subject.peer(meet) as peer:
        adapter = subject.make(peer.address, subject.keys, BUDGET, subject.settings)
        began = time.monotonic()
        with pytest.raises((BackendTimeout, BackendUnreachable)):
            adapter.observe(subject.keys)
        replies = {r.reply for r in adapter.apply([change(key, subject.states[0]) for key in subject.keys], CAUSE)}
        assert time.monotonic() - began < 2 * BUDGET + 5
        assert replies <= {Reply.NOT_SENT, Reply.UNANSWERED}
        adapter.close()


def test_no_connection_means_certainly_not_sent(subject: Subject) -> None:
    adapter = subject.make(subject.closed(), subject.keys, 2, subject.settings)
    receipts = adapter.apply([change(key, subject.states[0]) for key in subject.keys], CAUSE)
    assert [receipt.reply for receipt in receipts] == [Reply.NOT_SENT, Reply.NOT_SENT]
    with pytest.raises(BackendUnreachable):
        adapter.observe(subject.keys)
    adapter.close()


def test_it_may_be_used_by_threads_and_closed_twice(subject: Subject, adapter: Adapter) -> None:
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: see(adapter, subject), range(40)))
    assert seen == [dict.fromkeys(subject.keys, subject.nothing)] * 40
    adapter.close()
    adapter.close()


def test_it_says_nothing_to_the_log(subject: Subject, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), subject.peer(silent) as peer:
        for address in (subject.address, peer.address, subject.closed()):
            adapter = subject.make(address, subject.keys, BUDGET, subject.settings)
            with contextlib.suppress(AdapterError):
                adapter.observe(subject.keys)
            adapter.apply([change(subject.keys[0], subject.nothing)], CAUSE)
            adapter.close()
    assert [record for record in caplog.records if record.name != "asyncio"] == []
