"""The signer against a database whose superuser lies: nothing is signed that does not follow from what was signed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection, transaction

from incidents.audit.fence import lower_fence
from incidents.audit.keys import make_key, open_checkpoint
from incidents.audit.log import ENGINE, Entry, append, read_frontier
from incidents.audit.signing import Fault, Kind, Signer
from incidents.audit.tiles import TileStore
from incidents.domain.canonical import encode
from incidents.domain.merkle import Frontier, leaf_hash
from incidents.models import AuditEntry, AuditHead

ORIGIN = "log.example.net/audit"
KEY, OTHER = make_key(ORIGIN), make_key(ORIGIN)
SIGNED = 300


def grow(count: int, what: str = "test.happened") -> None:
    with transaction.atomic():
        append(*[Entry(what, ENGINE, data={"number": number}) for number in range(count)])


def rewrite(size: int, change: Callable[[int, bytes], bytes]) -> None:
    """What a superuser does who knows how the log works: new bytes, new leaves, a new head that fits to them."""
    bodies = [bytes(row.body) for row in AuditEntry.objects.order_by("index")[:size]]
    AuditEntry.objects.filter(index__gte=size).delete()
    tree = Frontier()
    for index, body in enumerate(bodies):
        new = change(index, body)
        tree = tree.append([leaf_hash(new)])
        if new != body:
            AuditEntry.objects.filter(index=index).update(body=new, leaf=leaf_hash(new))
    AuditHead.objects.update(size=tree.size, peaks=b"".join(tree.peaks))


def lie(index: int, body: bytes) -> bytes:
    return body.replace(b'"number":7}', b'"number":8}') if index == 7 else body


@pytest.fixture
def store(tmp_path: Path) -> TileStore:
    return TileStore(tmp_path / "signer")


@pytest.fixture
def signer(db: None, store: TileStore) -> Signer:
    """One that has signed `SIGNED` entries, of a database whose fence is down."""
    grow(SIGNED)
    lower_fence(connection)
    signer = Signer(store, ORIGIN, [KEY])
    assert signer.sign().fresh
    return signer


def refused(signer: Signer) -> Kind:
    """Why nothing is signed; and nothing is."""
    before = signer.last()
    with pytest.raises(Fault) as told:
        signer.sign()
    assert signer.last() == before
    return told.value.kind


def test_what_is_new_is_signed_and_what_is_not_is_not(signer: Signer, store: TileStore) -> None:
    assert not signer.sign().fresh
    grow(3)
    signed = signer.sign()
    assert (signed.fresh, signed.checkpoint.size) == (True, SIGNED + 3)
    assert signed.checkpoint.root == read_frontier(AuditHead.objects.get()).root()
    assert open_checkpoint(signed.note, ORIGIN, [KEY.verifier]) == signed.checkpoint
    assert list(store.all_entries(SIGNED + 3)) == [bytes(row.body) for row in AuditEntry.objects.order_by("index")]
    # Another process of the same key and disk goes on where this one was.
    assert Signer(store, ORIGIN, [KEY]).sign() == signer.last()
    signer.look_back(1_000)


@pytest.mark.django_db
def test_an_empty_log_is_signed_too(store: TileStore) -> None:
    signed = Signer(store, ORIGIN, [KEY]).sign()
    assert (signed.fresh, signed.checkpoint.size) == (True, 0)
    assert not Signer(store, ORIGIN, [KEY]).sign().fresh


def test_a_log_that_was_cut_off_is_not_signed(signer: Signer) -> None:
    rewrite(SIGNED - 1, lambda _, body: body)
    assert refused(signer) == Kind.SHRUNK


def test_an_old_backup_that_has_grown_again_is_not_signed(signer: Signer) -> None:
    rewrite(SIGNED - 10, lambda _, body: body)
    grow(50, "test.other")
    assert refused(signer) == Kind.FORKED


def test_a_history_that_was_rewritten_with_all_its_hashes_is_not_signed(signer: Signer) -> None:
    rewrite(SIGNED, lie)
    assert refused(signer) == Kind.FORKED
    grow(1)
    assert refused(signer) == Kind.FORKED


def test_an_entry_that_was_changed_alone_is_found_by_looking_back(signer: Signer) -> None:
    """The head row still fits, so what is new can be signed; the look back names what was changed."""
    row = AuditEntry.objects.get(index=7)
    AuditEntry.objects.filter(index=7).update(body=lie(7, bytes(row.body)))
    assert not signer.sign().fresh
    signer.look_back(5)
    with pytest.raises(Fault, match="entry 7 is not the one that was signed") as told:
        signer.look_back(5)
    assert told.value.kind == Kind.CHANGED


def test_an_entry_that_is_gone_is_found_by_looking_back(signer: Signer) -> None:
    AuditEntry.objects.filter(index=200).delete()
    signer.look_back(100)
    signer.look_back(100)
    with pytest.raises(Fault, match="entry 200 was signed, and is gone") as told:
        signer.look_back(100)
    assert told.value.kind == Kind.MISSING


def test_looking_back_begins_again_at_the_end(signer: Signer) -> None:
    signer.look_back(1_000)
    AuditEntry.objects.filter(index=0).delete()
    with pytest.raises(Fault, match="entry 0 was signed, and is gone"):
        signer.look_back(1)


@pytest.mark.parametrize("index", [SIGNED, SIGNED + 1, SIGNED + 2])
def test_a_new_entry_that_is_not_there_is_not_signed(signer: Signer, index: int) -> None:
    grow(3)
    AuditEntry.objects.filter(index=index).delete()
    assert refused(signer) == Kind.MISSING


def test_a_new_entry_that_is_not_what_was_hashed_is_not_signed(signer: Signer) -> None:
    grow(3)
    AuditEntry.objects.filter(index=SIGNED + 1).update(body=encode({"index": SIGNED + 1}))
    assert refused(signer) == Kind.FORKED
    # Put right again, it goes on: what was read in vain has left nothing behind.
    AuditEntry.objects.filter(index__gte=SIGNED).delete()
    tree = signer.last().checkpoint
    AuditHead.objects.update(size=tree.size, peaks=b"".join(_peaks()))
    grow(5)
    assert signer.sign().checkpoint.size == SIGNED + 5
    signer.look_back(1_000)


def _peaks() -> tuple[bytes, ...]:
    return Frontier().append(bytes(row.leaf) for row in AuditEntry.objects.order_by("index")).peaks


def test_its_own_copy_is_not_believed_either(signer: Signer, store: TileStore) -> None:
    (store.root / "tile/0/000").write_bytes(bytes(8192))
    with pytest.raises(Fault, match="tile/entries/000 does not give its hashes") as told:
        signer.look_back(1)
    assert told.value.kind == Kind.COPY
    (store.root / "tile/1/000.p/1").write_bytes(bytes(32))
    assert refused(signer) == Kind.COPY
    store.publish(store.checkpoint().replace("\n300\n", "\n299\n"))
    with pytest.raises(Fault, match="not to be trusted"):
        signer.sign()


def test_a_key_that_is_not_its_own_is_no_start(signer: Signer, store: TileStore) -> None:
    with pytest.raises(Fault, match="not to be trusted"):
        Signer(store, ORIGIN, [OTHER]).sign()
    # Unless it is told whose the last one was; then both may sign the next.
    grow(1)
    signed = Signer(store, ORIGIN, [OTHER], [KEY.verifier]).sign()
    assert open_checkpoint(signed.note, ORIGIN, [OTHER.verifier]).size == SIGNED + 1
