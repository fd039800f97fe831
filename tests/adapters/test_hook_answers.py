"""Answers of a hook that are rightly signed and yet no answers: each is refused whole, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from incidents.adapters.hook import Hook
from incidents.adapters.hook_answers import DEEPEST, LARGEST_TEXT, words
from incidents.adapters.hook_answers import states as read_states
from incidents.domain.changes import Cause, Receipt, Reply, is_unreadable
from incidents.domain.errors import BackendRefused
from incidents.domain.findings import Finding, Severity
from tests.adapters.hooks import Stub, hook, secret_in, standing
from tests.adapters.support import change

ONE, TWO = "plans/shop", "plans/höfe"
KEYS = (ONE, TWO)
STATE = {"plan": "gold"}
CANNOT = "the answer of billing cannot be used: "


@pytest.fixture
def stub() -> Stub:
    return Stub()


@pytest.fixture
def adapter(stub: Stub, tmp_path: Path) -> Iterator[Hook]:
    with standing(stub) as web:
        made = hook(web.url, KEYS, settings=secret_in(tmp_path))
        yield made
        made.close()


def nested(levels: int) -> Any:
    """A state that makes an answer as deep as that."""
    value: Any = 1
    for _ in range(levels - 2):
        value = {"a": value}
    return value


def states(one: Any) -> Any:
    return {"states": {ONE: one, TWO: STATE}}


def of_status(**told: Any) -> Any:
    return states({**STATE, "status": told})


def observed(text: str) -> bytes:
    return f'{{"states": {{"{ONE}": {text}, "{TWO}": {{}}}}}}'.encode()


NO_JSON = "it is no JSON in UTF-8"
NOT_WHOLE = "it holds a number that is not whole"
TOO_DEEP = "its values lie deeper than 20 levels"
NO_UNICODE = "it holds a text that is no Unicode, or a zero character"
NO_CANON = f"the state of {ONE} has a number above 53 bits, or a field whose name is not in ASCII"


@pytest.mark.parametrize(
    ("said", "because"),
    [
        (b"", NO_JSON),
        (b"no json", NO_JSON),
        (b'{"states": {}} {}', NO_JSON),
        (b"\xff\xfe", NO_JSON),
        (json.dumps(states(STATE)).encode("utf-16"), NO_JSON),
        (json.dumps(states(STATE)).encode("utf-8-sig"), NO_JSON),
        (b"9" * 5000, NO_JSON),
        (observed('{"a": NaN}'), NOT_WHOLE),
        (observed('{"a": [-Infinity]}'), NOT_WHOLE),
        (observed('{"a": 1.5}'), NOT_WHOLE),
        (observed('{"a": 1e400}'), NOT_WHOLE),
        (observed('{"a": 1, "a": 2}'), "it names a field twice"),
        (b'{"states": {"%s": {}, "%s": {}}}' % (ONE.encode(), ONE.encode()), "it names a field twice"),
        (b"[" * 100_000, TOO_DEEP),
        (b'{"a":' * 100_000, TOO_DEEP),
        (states(nested(DEEPEST + 1)), TOO_DEEP),
        (observed('{"a": "\\ud800"}'), NO_UNICODE),
        (observed('{"a": "x\\u0000"}'), NO_UNICODE),
        (observed('{"\\u0000": 1}'), NO_UNICODE),
        (states({"a": 2**53}), NO_CANON),
        (states({"ä": 1}), NO_CANON),
        (states({"a": [{"ä": 1}]}), NO_CANON),
        ([], "the answer must be an object"),
        (None, "the answer must be an object"),
        ("states", NO_JSON),
        ({}, "the answer has no field states"),
        ({"receipts": []}, "the answer has a field that is not known, receipts"),
        ({**states(STATE), "ok": True}, "the answer has a field that is not known, ok"),
        ({"states": []}, "the states must be an object"),
        ({"states": None}, "the states must be an object"),
        ({"states": {}}, f"it does not tell of {TWO}"),
        ({"states": {TWO: STATE}}, f"it does not tell of {ONE}"),
        ({"states": {ONE: STATE, TWO: STATE, "other": STATE}}, "it tells of other, which it was not asked about"),
        (
            {"states": {ONE: STATE, TWO: STATE, "": STATE}},
            "it tells of a key without a name, which it was not asked about",
        ),
        (states(None), f"the state of {ONE} must be an object"),
        (states([STATE]), f"the state of {ONE} must be an object"),
        (states("gold"), f"the state of {ONE} must be an object"),
        (states({"status": "ok"}), f"the status of {ONE} must be an object"),
        (states({"status": None}), f"the status of {ONE} must be an object"),
        (of_status(colour="red"), f"the status of {ONE} has a field that is not known, colour"),
        (of_status(settled="false"), f"settled in the status of {ONE} must be true or false"),
        (of_status(ready=1), f"ready in the status of {ONE} must be true or false"),
        (of_status(paused=None), f"paused in the status of {ONE} must be true or false"),
        (of_status(label=5), f"label in the status of {ONE} must be text"),
        (of_status(problem=["x"]), f"problem in the status of {ONE} must be text"),
        (of_status(managed_by=True), f"managed_by in the status of {ONE} must be text"),
        (of_status(locked=None), f"locked in the status of {ONE} must be text"),
        (of_status(sessions=True), f"sessions in the status of {ONE} must be a whole number of neighbours"),
        (of_status(sessions=-1), f"sessions in the status of {ONE} must be a whole number of neighbours"),
        (of_status(sessions="2"), f"sessions in the status of {ONE} must be a whole number of neighbours"),
        (of_status(text=1), f"text in the status of {ONE} must be text"),
        (of_status(text="ä" * LARGEST_TEXT), f"text in the status of {ONE} is longer than 65536 bytes"),
    ],
)
def test_an_observation_is_taken_whole_or_not_at_all(stub: Stub, adapter: Hook, said: Any, because: str) -> None:
    stub.says = lambda asked: said
    with pytest.raises(BackendRefused) as refused:
        adapter.observe(KEYS)
    assert str(refused.value) == CANNOT + because


def test_what_is_just_within_the_limits_is_taken(stub: Stub, adapter: Hook) -> None:
    deep = nested(DEEPEST)
    told = {
        "settled": False,
        "problem": "p" * 200,
        "ready": True,
        "label": "l" * 100,
        "paused": False,
        "managed_by": "Argo CD",
        "locked": "locked",
        "sessions": 0,
        "text": "x" * LARGEST_TEXT,
    }
    stub.says = lambda asked: {"states": {ONE: deep, TWO: {"a": 2**53 - 1, "b": "ä\n", "c": None, "status": told}}}
    assert adapter.observe(KEYS) == {ONE: deep, TWO: {"a": 2**53 - 1, "b": "ä\n", "c": None, "status": told}}


def test_only_what_was_asked_for_is_expected(stub: Stub, adapter: Hook) -> None:
    stub.says = lambda asked: {"states": {TWO: STATE}}
    assert adapter.observe([TWO, TWO]) == {TWO: STATE}


RAW = "\u202egold\u2066 \x1b[31mnow\r\n\u200b and\u2028 then\ufeff"
CLEAN = "gold [31mnow and then"


def test_texts_for_people_are_cut_and_lose_what_could_disguise_them(stub: Stub, adapter: Hook) -> None:
    told = {"label": RAW + "x" * 200, "problem": RAW, "managed_by": RAW, "locked": "y" * 300, "settled": False}
    told["text"] = "one:\r\n\t- \u202etwo\x00".replace("\x00", "\x07")
    stub.says = lambda asked: {"states": {ONE: {**STATE, "status": told}, TWO: STATE}}
    seen = adapter.observe(KEYS)[ONE]
    assert seen["status"] == {
        "label": (CLEAN + "x" * 200)[:100],
        "problem": CLEAN,
        "managed_by": CLEAN,
        "locked": "y" * 200,
        "settled": False,
        "text": "one:\n\t- two",
    }


def test_a_stranger_key_is_named_without_disguise(stub: Stub, adapter: Hook) -> None:
    stub.says = lambda asked: {"states": {ONE: STATE, TWO: STATE, "\u202e\x1b" + "x" * 900: STATE}}
    with pytest.raises(BackendRefused) as refused:
        adapter.observe(KEYS)
    assert str(refused.value) == f"{CANNOT}it tells of {'x' * 200}, which it was not asked about"


def receipt(key: Any = ONE, reply: Any = "accepted", **more: Any) -> Any:
    return {"key": key, "reply": reply, **more}


def apply(adapter: Hook) -> list[Receipt]:
    return list(adapter.apply([change(key, STATE, before={}) for key in KEYS], Cause("k")))


UNKNOWN_REPLY = "the reply in a receipt must be accepted or refused"


@pytest.mark.parametrize(
    ("said", "because"),
    [
        (b"{", NO_JSON),
        ({"states": {}}, "the answer has a field that is not known, states"),
        ({"receipts": {}}, "the receipts must be a list"),
        ({"receipts": []}, f"it does not tell of {TWO}"),
        ({"receipts": [receipt()]}, f"it does not tell of {TWO}"),
        ({"receipts": [receipt(), receipt(TWO), receipt(TWO)]}, "it tells of a key twice"),
        ({"receipts": [receipt(), receipt(TWO), receipt("x")]}, "it tells of x, which it was not asked about"),
        ({"receipts": [receipt(), receipt(TWO, "done")]}, UNKNOWN_REPLY),
        ({"receipts": [receipt(), receipt(TWO, "not_sent")]}, UNKNOWN_REPLY),
        ({"receipts": [receipt(), receipt(TWO, "unanswered")]}, UNKNOWN_REPLY),
        ({"receipts": [receipt(), receipt(TWO, "Accepted")]}, UNKNOWN_REPLY),
        ({"receipts": [receipt(), receipt(TWO, True)]}, UNKNOWN_REPLY),
        ({"receipts": [receipt(), receipt(TWO, ["accepted"])]}, UNKNOWN_REPLY),
        ({"receipts": [receipt(), receipt(TWO, detail=None)]}, "the detail of a receipt must be text"),
        ({"receipts": [receipt(), receipt(5)]}, "the key of a receipt must be text"),
        ({"receipts": [receipt(), receipt(TWO, id=1)]}, "a receipt has a field that is not known, id"),
        ({"receipts": [receipt(), {"key": TWO}]}, "a receipt has no field reply"),
        ({"receipts": [receipt(), TWO]}, "a receipt must be an object"),
        ({"receipts": [receipt(), None]}, "a receipt must be an object"),
    ],
)
def test_receipts_count_all_or_none_do(stub: Stub, adapter: Hook, said: Any, because: str) -> None:
    """It was sent, so it may have been done: unanswered, even where one of the receipts is in order."""
    stub.says = lambda asked: said
    assert apply(adapter) == [Receipt(key, Reply.UNANSWERED, CANNOT + because) for key in KEYS]


def test_receipts_may_come_in_any_order(stub: Stub, adapter: Hook) -> None:
    stub.says = lambda asked: {"receipts": [receipt(TWO, "refused", detail=RAW + "z" * 900), receipt()]}
    assert apply(adapter) == [
        Receipt(ONE, Reply.ACCEPTED),
        Receipt(TWO, Reply.REFUSED, (CLEAN + "z" * 900)[:200]),
    ]


def finding(**given: Any) -> Any:
    return {"code": "quota", "severity": "warning", "text": "It is nearly used up.", **given}


def rehearse(adapter: Hook) -> list[Finding]:
    return list(adapter.rehearse([change(key, STATE, before={}) for key in KEYS]))


BAD_CODE = "the code of a finding must be small letters and digits, with dots or hyphens between them"


@pytest.mark.parametrize(
    ("said", "because"),
    [
        ({"findings": None}, "the findings must be a list"),
        ({}, "the answer has no field findings"),
        ({"findings": [finding(), "no"]}, "a finding must be an object"),
        ({"findings": [finding(), {"code": "x", "severity": "note"}]}, "a finding has no field text"),
        ({"findings": [finding(help="x")]}, "a finding has a field that is not known, help"),
        (
            {"findings": [finding(severity="error")]},
            "the severity of a finding must be one of: blocker, warning, note, passed",
        ),
        (
            {"findings": [finding(severity=["note"])]},
            "the severity of a finding must be one of: blocker, warning, note, passed",
        ),
        ({"findings": [finding(code="Quota")]}, BAD_CODE),
        ({"findings": [finding(code="a b")]}, BAD_CODE),
        ({"findings": [finding(code="")]}, BAD_CODE),
        ({"findings": [finding(code="quota\n")]}, BAD_CODE),
        ({"findings": [finding(code="a" * 51)]}, BAD_CODE),
        ({"findings": [finding(code=5)]}, "the code of a finding must be text"),
        ({"findings": [finding(text=None)]}, "the text of a finding must be text"),
        ({"findings": [finding(text="\u202e \n")]}, "a finding says nothing"),
        (
            {"findings": [finding(subject="other")]},
            "the subject of a finding must be a key that was asked about, or empty",
        ),
        ({"findings": [finding(subject=None)]}, "the subject of a finding must be text"),
    ],
)
def test_findings_count_all_or_none_do(stub: Stub, adapter: Hook, said: Any, because: str) -> None:
    stub.says = lambda asked: said
    with pytest.raises(BackendRefused) as refused:
        rehearse(adapter)
    assert str(refused.value) == CANNOT + because


def test_findings_are_told_under_a_name_that_is_the_hooks(stub: Stub, adapter: Hook) -> None:
    said = [
        finding(severity="blocker", code="guard.permission", text=RAW + "t" * 900, subject=ONE),
        finding(severity="passed", subject=""),
        finding(severity="note"),
    ]
    stub.says = lambda asked: {"findings": said}
    assert rehearse(adapter) == [
        Finding("hook.guard.permission", Severity.BLOCKER, (CLEAN + "t" * 900)[:200], ONE),
        Finding("hook.quota", Severity.PASSED, "It is nearly used up."),
        Finding("hook.quota", Severity.NOTE, "It is nearly used up."),
    ]


def test_words_are_one_line() -> None:
    assert words(" a \t b\u00a0c\nd ") == "a b c d"


@pytest.mark.parametrize(
    "state",
    [
        {"jwks": {"keys": [{"kty": "EC", "d": "x" * 43}]}},
        {"document": "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"},
        {"text": json.dumps({"keys": [{"kty": "oct", "k": "x" * 43}]})},
    ],
)
def test_what_holds_a_private_key_is_not_kept_and_hides_no_other(state: dict[str, object]) -> None:
    seen = read_states({"states": {"keys/a": state, "keys/b": {"x": 1}}}, ["keys/a", "keys/b"])
    assert is_unreadable(seen["keys/a"])
    assert "it holds" in str(seen["keys/a"])
    assert "x" * 43 not in str(seen)
    assert "MIIE" not in str(seen)
    assert seen["keys/b"] == {"x": 1}
