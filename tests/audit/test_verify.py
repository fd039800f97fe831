"""Whatever is done to the rows behind the fence, verification names the first entry that is no longer right."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from incidents.audit import index
from incidents.audit.fence import lower_fence
from incidents.audit.log import ENGINE, Actor, Entry, append
from incidents.audit.verify import verify
from incidents.domain.audit_terms import term
from incidents.domain.merkle import leaf_hash
from incidents.models import AuditCheck, AuditEntry, AuditHead
from incidents.services.audit_checks import check

COUNT = 7


@pytest.fixture
def log(db: None) -> None:
    with transaction.atomic():
        append(*[Entry("test.happened", ENGINE, "example-shop", data={"number": number}) for number in range(COUNT)])
    lower_fence(connection)


def _forge(index: int, *, leaf_too: bool) -> None:
    body = bytes(AuditEntry.objects.get(index=index).body).replace(b'"number":3', b'"number":9')
    fields: dict[str, object] = {"body": body}
    if leaf_too:
        fields["leaf"] = leaf_hash(body)
    AuditEntry.objects.filter(index=index).update(**fields)


def _swap() -> None:
    AuditEntry.objects.filter(index=3).update(index=99)
    AuditEntry.objects.filter(index=4).update(index=3)
    AuditEntry.objects.filter(index=99).update(index=4)


def _append_beyond() -> None:
    row = AuditEntry.objects.get(index=COUNT - 1)
    row.index = COUNT
    row.save(force_insert=True)


ATTACKS: dict[str, tuple[Callable[[], object], int, str]] = {
    "changed bytes": (lambda: _forge(3, leaf_too=False), 3, "leaf hash"),
    "changed bytes and leaf": (lambda: _forge(3, leaf_too=True), COUNT, "head row's tree"),
    "dropped": (lambda: AuditEntry.objects.filter(index=3).delete(), 3, "entry 3 is missing"),
    "dropped first": (lambda: AuditEntry.objects.filter(index=0).delete(), 0, "entry 0 is missing"),
    "cut short": (lambda: AuditEntry.objects.filter(index=COUNT - 1).delete(), COUNT - 1, "ends after"),
    "swapped": (_swap, 3, "search columns"),
    "added": (_append_beyond, COUNT, "beyond the end"),
    "search column": (lambda: AuditEntry.objects.filter(index=3).update(actor="nobody"), 3, "search columns"),
    "head gone": (lambda: AuditHead.objects.all().delete(), 0, "head row is gone"),
    "head shortened": (lambda: AuditHead.objects.update(size=3), 3, "beyond the end"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_is_found(log: None, attack: str) -> None:
    assert verify().fault == ""
    act, good, fault = ATTACKS[attack]
    act()
    found = verify()
    assert fault in found.fault
    assert found.good == good


def test_the_command_says_so(log: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("audit", "verify")
    assert f"{COUNT} of {COUNT} entries are unchanged" in capsys.readouterr().out
    _forge(3, leaf_too=False)
    with pytest.raises(SystemExit, match="1"):
        call_command("audit", "verify")
    assert "entry 3" in capsys.readouterr().err


def test_what_a_check_has_found_is_kept_and_a_bad_log_is_left_as_it_is(log: None) -> None:
    by = Actor("command", "root", "root")
    assert check(by).fault == ""
    told = AuditEntry.objects.get(index=COUNT)
    assert (told.event, verify().good) == ("audit.verified", COUNT + 1)
    _forge(3, leaf_too=False)
    check(by)
    bad, good = AuditCheck.objects.all()
    assert (good.size, good.good, good.fault, good.by) == (COUNT, COUNT, "", "root")
    assert (bad.size, bad.good) == (COUNT + 1, 3)
    assert "entry 3" in bad.fault
    assert AuditEntry.objects.count() == COUNT + 1
    AuditHead.objects.all().delete()
    assert "head row" in check(by).fault


def test_a_log_that_grows_while_it_is_read_is_no_fault(log: None, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = AuditHead.objects.get()
    monkeypatch.setattr("incidents.audit.verify._entries", lambda size: _grown(size))
    assert verify().fault == ""
    assert AuditHead.objects.get().size > whole.size


def _grown(size: int) -> list[AuditEntry]:
    """The rows, before which somebody else has appended."""
    with transaction.atomic():
        append(Entry("test.happened", ENGINE))
    return list(AuditEntry.objects.filter(index__lt=size).order_by("index"))


def test_the_index_is_made_anew(log: None, capsys: pytest.CaptureFixture[str]) -> None:
    index.empty(connection)
    call_command("audit", "reindex")
    assert f"{COUNT} entries can be found" in capsys.readouterr().out
    found = index.find(connection, [[term("event", "test.happened")]], index.Reach(), 9, oldest_first=True)
    assert found == list(range(COUNT))
