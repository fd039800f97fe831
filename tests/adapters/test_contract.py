"""What every adapter promises, over real sockets; on a real gobgpd and on the simulated world."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from incidents.adapters.base import Adapter
from incidents.domain.changes import Reply
from incidents.domain.errors import AdapterError, BackendTimeout, BackendUnreachable, EmptyBatch, UnknownKey
from tests.adapters.conftest import Subject, change
from tests.fakes.sockets import Peer, closed_address, dripping, silent

BUDGET = 0.4


@pytest.fixture(autouse=True)
def clean(subject: Subject) -> None:
    with_all(subject.adapter(), lambda a: a.apply([change(key, subject.nothing) for key in subject.keys], "clean"))


def with_all(adapter: Adapter, do: Callable[[Adapter], object]) -> None:
    try:
        do(adapter)
    finally:
        adapter.close()


@pytest.fixture
def adapter(subject: Subject) -> Adapter:
    return subject.adapter()


def test_what_is_applied_is_observed_exactly(subject: Subject, adapter: Adapter) -> None:
    for after in (*subject.states, subject.nothing):
        receipts = adapter.apply([change(key, after) for key in subject.keys], "k")
        assert [(receipt.key, receipt.reply) for receipt in receipts] == [(key, Reply.ACCEPTED) for key in subject.keys]
        assert adapter.observe(subject.keys) == dict.fromkeys(subject.keys, after)


def test_observe_has_no_effect(subject: Subject, adapter: Adapter) -> None:
    adapter.apply([change(subject.keys[0], subject.states[0])], "k")
    effects = subject.effects()
    first = adapter.observe(subject.keys)
    assert adapter.observe(subject.keys) == first
    assert subject.effects() == effects


def test_applying_what_is_there_changes_nothing(subject: Subject, adapter: Adapter) -> None:
    key = subject.keys[0]
    adapter.apply([change(key, subject.states[0])], "k")
    before = adapter.observe(subject.keys)
    adapter.apply([change(key, before[key], before=before[key])], "k")
    assert adapter.observe(subject.keys) == before


def test_applying_twice_is_applying_once(subject: Subject, adapter: Adapter) -> None:
    batch = [change(key, subject.states[0]) for key in subject.keys]
    adapter.apply(batch, "one")
    once = adapter.observe(subject.keys)
    assert {receipt.reply for receipt in adapter.apply(batch, "one")} == {Reply.ACCEPTED}
    assert adapter.observe(subject.keys) == once


def test_one_change_leaves_the_other_keys_alone(subject: Subject, adapter: Adapter) -> None:
    adapter.apply([change(key, subject.states[0]) for key in subject.keys], "k")
    adapter.apply([change(subject.keys[0], subject.nothing)], "k")
    assert adapter.observe(subject.keys) == {
        subject.keys[0]: subject.nothing,
        subject.keys[1]: subject.states[0],
    }


def test_a_batch_may_announce_and_withdraw(subject: Subject, adapter: Adapter) -> None:
    first, second = subject.keys
    adapter.apply([change(first, subject.states[0])], "k")
    receipts = adapter.apply([change(first, subject.nothing), change(second, subject.states[1])], "k")
    assert [receipt.key for receipt in receipts] == [first, second]
    assert adapter.observe(subject.keys) == {first: subject.nothing, second: subject.states[1]}


def test_an_empty_batch_and_an_unknown_key_are_refused_before_anything_is_sent(subject: Subject) -> None:
    with Peer(silent) as peer:
        adapter = subject.make(peer.address, subject.keys, BUDGET)
        for empty in (lambda: adapter.observe([]), lambda: adapter.apply([], "k")):
            with pytest.raises(EmptyBatch):
                empty()
        stranger = "192.0.2.0/24"
        with pytest.raises(UnknownKey):
            adapter.observe([subject.keys[0], stranger])
        with pytest.raises(UnknownKey):
            adapter.apply([change(subject.keys[0], subject.nothing), change(stranger, subject.nothing)], "k")
        assert adapter.rehearse([]) == []
        assert peer.met == 0
        adapter.close()


@pytest.mark.parametrize("meet", [silent, dripping])
def test_the_deadline_holds(subject: Subject, meet: Callable[..., None]) -> None:
    with Peer(meet) as peer:
        adapter = subject.make(peer.address, subject.keys, BUDGET)
        began = time.monotonic()
        with pytest.raises((BackendTimeout, BackendUnreachable)):
            adapter.observe(subject.keys)
        replies = {r.reply for r in adapter.apply([change(key, subject.states[0]) for key in subject.keys], "k")}
        assert time.monotonic() - began < 2 * BUDGET + 5
        assert replies <= {Reply.NOT_SENT, Reply.UNANSWERED}
        adapter.close()


def test_no_connection_means_certainly_not_sent(subject: Subject) -> None:
    adapter = subject.make(closed_address(), subject.keys, 2)
    receipts = adapter.apply([change(key, subject.states[0]) for key in subject.keys], "k")
    assert [receipt.reply for receipt in receipts] == [Reply.NOT_SENT, Reply.NOT_SENT]
    with pytest.raises(BackendUnreachable):
        adapter.observe(subject.keys)
    adapter.close()


def test_it_may_be_used_by_threads_and_closed_twice(subject: Subject, adapter: Adapter) -> None:
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: adapter.observe(subject.keys), range(40)))
    assert seen == [dict.fromkeys(subject.keys, subject.nothing)] * 40
    adapter.close()
    adapter.close()


def test_it_says_nothing_to_the_log(subject: Subject, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), Peer(silent) as peer:
        for address in (subject.address, peer.address, closed_address()):
            adapter = subject.make(address, subject.keys, BUDGET, subject.settings)
            with contextlib.suppress(AdapterError):
                adapter.observe(subject.keys)
            adapter.apply([change(subject.keys[0], subject.nothing)], "k")
            adapter.close()
    assert [record for record in caplog.records if record.name != "asyncio"] == []
