"""Documents in Git: every byte kept, what cannot be read told apart, nothing private passed on, and who is faster."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from incidents.adapters.git_document import GitDocument
from incidents.domain.changes import Cause, Reply, State, is_unreadable, is_up, label_of, settings_of, status_of
from incidents.domain.errors import BackendUnreachable, InventoryFault
from incidents.domain.findings import Severity
from tests.adapters.gits import Content, Origin, documents, documents_by_http, to
from tests.fakes.git_web import OFFER, PUSH, GitWeb

CAUSE = Cause("k", "RUN-TEST-01", "shop-operator", "nobody can sign in")
POLICY, JWKS, OTHER = "policies/eu/checkout.rego", "keys/jwks.json", "policies/basket.rego"
GOOD, BAD = "package shop\r\n\r\nallow = true\n# Größe", "package shop\n\nallow = false\n"
AROUND: dict[str, Content] = {"README": "The shop.", "bin/run": ("100755", "#!/bin/sh"), OTHER: "deny\n"}
ABSENT: State = {"document": None}
LIMIT = 256 * 1024
KEY = {
    "kty": "EC",
    "crv": "P-256",
    "kid": "2026-01",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu",
}
# The examples of RFC 7515 appendix A.3 and RFC 8410 section 10.3, which everybody knows.
SECRET = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"
PRIVATE_DER = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC"
PRIVATE_PEM = f"-----BEGIN PRIVATE KEY-----\n{PRIVATE_DER}\n-----END PRIVATE KEY-----\n"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMAMCAwAB\n-----END CERTIFICATE-----\n"


def key_set(*keys: object) -> str:
    return json.dumps({"keys": list(keys)}, indent=2) + "\n"


def doc(text: str | None) -> State:
    return {"document": text}


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    """A good policy that a bad one has replaced."""
    made = Origin(tmp_path)
    made.commit({**AROUND, POLICY: GOOD}, "Let them in")
    made.commit({POLICY: BAD}, "Keep them out")
    return made


@pytest.fixture
def adapter(origin: Origin) -> Iterator[GitDocument]:
    made = documents(str(origin.path), [POLICY, OTHER, JWKS])
    yield made
    made.close()


@pytest.fixture
def keys(origin: Origin) -> Iterator[GitDocument]:
    made = documents(str(origin.path), [POLICY, OTHER, JWKS], settings={"holds": "public-keys"})
    yield made
    made.close()


@pytest.fixture
def web(origin: Origin) -> Iterator[GitWeb]:
    with GitWeb(origin.folder) as server:
        yield server


@pytest.fixture
def remote(web: GitWeb) -> Iterator[GitDocument]:
    """The same repository by http, where a test can step in between two requests."""
    made = documents_by_http(web.address, [POLICY, OTHER])
    yield made
    made.close()


def see(adapter: GitDocument, key: str) -> State:
    return adapter.observe([key])[key]


def raw(origin: Origin, path: str) -> bytes:
    """What a clone finds there, byte for byte."""
    return origin.git("cat-file", "blob", f"main:{path}").encode()


def receipt_of(adapter: GitDocument, path: str, after: State, before: State) -> tuple[Reply, str]:
    (receipt,) = adapter.apply([to(path, after, before)], CAUSE)
    return receipt.reply, receipt.detail


def test_one_commit_puts_the_text_back_and_touches_nothing_else(origin: Origin, adapter: GitDocument) -> None:
    before, parent = origin.listing(), origin.head()
    assert adapter.rehearse([to(POLICY, doc(GOOD), doc(BAD))]) == []
    reply, detail = receipt_of(adapter, POLICY, doc(GOOD), doc(BAD))
    assert (reply, detail) == (Reply.ACCEPTED, f"commit {origin.head()[:10]}")
    assert origin.git("rev-parse", "main^").strip() == parent
    assert raw(origin, POLICY) == GOOD.encode()
    after = origin.listing()
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    assert changed == {POLICY}
    blob = str(origin.state(POLICY)["tree"])[:10]
    assert origin.message() == (
        f"Revert {POLICY} to {blob}\n\n- {POLICY} to {blob}\n\n"
        "Run: RUN-TEST-01\nStarted by: shop-operator\nReason: nobody can sign in"
    )


@pytest.mark.parametrize(
    "text",
    [
        "a\r\nb\r\n",
        "a\nb",
        "a\rb\r\n\n\n",
        "\ufeffa",
        "  a\t \n",
        "ü\u2028\u0085\x0c\x1b[2J\x7f\u202e\n",
        "$Id$ $Format:%H$\n",
        "a" * LIMIT,
        "ü" * (LIMIT // 2),
        "*.rego text eol=lf\n",
    ],
    ids=range(10),
)
def test_every_byte_is_kept_in_both_directions(origin: Origin, adapter: GitDocument, text: str) -> None:
    origin.commit({".gitattributes": "* text eol=crlf ident export-subst\n", OTHER: text})
    assert settings_of(see(adapter, OTHER)) == doc(text)
    assert receipt_of(adapter, POLICY, doc(text), doc(BAD))[0] is Reply.ACCEPTED
    assert raw(origin, POLICY) == text.encode()
    assert settings_of(see(adapter, POLICY)) == doc(text)


def test_a_document_is_called_by_the_commit_that_made_it(origin: Origin, adapter: GitDocument) -> None:
    broke = origin.head()
    origin.commit({"README": "x"}, "Say more")
    assert see(adapter, POLICY) == {**doc(BAD), "status": {"label": f"{broke[:10]} Keep them out"}}


@pytest.mark.parametrize(("mode", "kept"), [("100644", "100644"), ("100755", "100755")])
def test_the_mode_of_a_file_is_kept(origin: Origin, adapter: GitDocument, mode: str, kept: str) -> None:
    origin.commit({POLICY: (mode, BAD)})
    assert receipt_of(adapter, POLICY, doc(GOOD), doc(BAD))[0] is Reply.ACCEPTED
    assert origin.listing()[POLICY].startswith(f"{kept} blob ")


def test_a_batch_is_one_commit_and_a_repeated_one_is_none(origin: Origin, adapter: GitDocument) -> None:
    commits = origin.commits()
    batch = [to(POLICY, doc(GOOD), doc(BAD)), to(JWKS, doc("{}"), ABSENT), to(OTHER, doc("deny\n"), doc("x"))]
    for _ in range(2):
        assert [receipt.reply for receipt in adapter.apply(batch, CAUSE)] == [Reply.ACCEPTED] * 3
        assert origin.commits() == commits + 1
    assert origin.message().splitlines()[0] == "Revert 2 paths"
    assert {path: raw(origin, path) for path in (POLICY, JWKS, OTHER)} == {
        POLICY: GOOD.encode(), JWKS: b"{}", OTHER: b"deny\n"
    }  # fmt: skip


def test_very_many_documents_are_read_at_once(origin: Origin) -> None:
    """More than what is read of one command, all together."""
    wanted = {f"many/{number:03}.rego": f"{number:03}" + "x" * (LIMIT - 3) for number in range(300)}
    origin.commit({**wanted})
    adapter = documents(str(origin.path), list(wanted), 60)
    states = adapter.observe(list(wanted))
    assert {path: settings_of(state) for path, state in states.items()} == {
        path: doc(text) for path, text in wanted.items()
    }
    adapter.close()


@pytest.mark.parametrize("files", [{POLICY: None}, {"policies": None}, {"": None, "README": "x"}])
def test_a_file_that_vanished_comes_back_with_its_folders(
    origin: Origin, adapter: GitDocument, files: Mapping[str, Content]
) -> None:
    head = origin.commit(files)
    assert see(adapter, POLICY) == {**ABSENT, "status": {"settled": False, "problem": f"there is no {POLICY}"}}
    assert receipt_of(adapter, POLICY, doc(GOOD), ABSENT)[0] is Reply.ACCEPTED
    assert origin.git("rev-parse", "main^").strip() == head
    assert raw(origin, POLICY) == GOOD.encode()
    assert origin.listing()[POLICY].startswith("100644 blob ")


@pytest.mark.parametrize("known", [False, True], ids=["a fresh copy", "a copy from before"])
def test_it_is_put_back_after_the_history_was_written_anew(origin: Origin, adapter: GitDocument, known: bool) -> None:
    if known:
        see(adapter, POLICY)
    head = origin.commit({"": None, POLICY: "broken"}, "Begin anew", onto="")
    origin.git("reflog", "expire", "--expire=now", "--all")
    origin.git("prune", "--expire=now")
    assert adapter.rehearse([to(POLICY, doc(GOOD), doc("broken"))]) == []
    assert receipt_of(adapter, POLICY, doc(GOOD), doc("broken"))[0] is Reply.ACCEPTED
    assert origin.git("rev-parse", "main^").strip() == head
    assert raw(origin, POLICY) == GOOD.encode()


NO_FILE: list[tuple[dict[str, Content], str]] = [
    ({POLICY: ("120000", "../../README")}, "it is a link, and no file"),
    ({POLICY: ("160000", "1" * 40)}, "it is a submodule, and no file"),
    ({POLICY: None, f"{POLICY}/inner": "x"}, "it is a folder, and no file"),
]
NO_TEXT: list[tuple[Content, str]] = [
    ("caf\udce9", "it is no text in UTF-8"),
    ("\udced\udca0\udc80", "it is no text in UTF-8"),
    ("a\0b", "it holds a NUL, so it is no text"),
    ("x" * (LIMIT + 1), "it is larger than 256 KiB"),
]


@pytest.mark.parametrize(("content", "why"), NO_TEXT, ids=range(len(NO_TEXT)))
def test_a_file_that_is_not_read_is_known_by_its_name_and_can_be_replaced(
    origin: Origin, adapter: GitDocument, content: Content, why: str
) -> None:
    origin.commit({POLICY: content})
    name = origin.git("rev-parse", f"main:{POLICY}").strip()
    seen = adapter.observe([POLICY, OTHER])
    assert settings_of(seen[POLICY]) == {"unread": name}
    assert status_of(seen[POLICY])["problem"] == f"{POLICY} is not read: {why}"
    assert not is_up(seen[POLICY])
    before = settings_of(seen[POLICY])
    for stale in (doc(BAD), ABSENT, {"unread": "1" * 40}):
        assert receipt_of(adapter, POLICY, doc(GOOD), stale)[0] is Reply.REFUSED
    assert receipt_of(adapter, POLICY, before, doc(GOOD))[0] is Reply.REFUSED
    assert adapter.rehearse([to(POLICY, doc(GOOD), before)]) == []
    assert receipt_of(adapter, POLICY, doc(GOOD), before)[0] is Reply.ACCEPTED
    assert raw(origin, POLICY) == GOOD.encode()


@pytest.mark.parametrize(("files", "why"), NO_FILE, ids=range(len(NO_FILE)))
def test_what_cannot_be_read_is_no_state_and_hides_no_other(
    origin: Origin, adapter: GitDocument, files: Mapping[str, Content], why: str
) -> None:
    head = origin.commit(files)
    seen = adapter.observe([POLICY, OTHER, JWKS])
    assert seen[POLICY] == {"status": {"settled": False, "problem": f"{POLICY} is not read: {why}"}}
    assert is_unreadable(seen[POLICY])
    assert (settings_of(seen[OTHER]), settings_of(seen[JWKS])) == (doc("deny\n"), ABSENT)
    for before in (settings_of(seen[POLICY]), ABSENT, doc(BAD), doc("")):
        change = to(POLICY, doc(GOOD), before)
        assert receipt_of(adapter, POLICY, doc(GOOD), before) == (
            Reply.REFUSED, f"not sent: {POLICY} is not read: {why}"
        )  # fmt: skip
        (finding,) = adapter.rehearse([change])
        assert (finding.code, finding.severity, finding.subject) == ("backend.refused", Severity.BLOCKER, POLICY)
        assert finding.text == f"{POLICY} cannot be put back: {POLICY} is not read: {why}."
    assert origin.head() == head
    others = [to(POLICY, doc(GOOD), doc(BAD)), to(OTHER, doc("allow\n"), doc("deny\n"))]
    assert [receipt.reply for receipt in adapter.apply(others, CAUSE)] == [Reply.REFUSED, Reply.ACCEPTED]
    assert POLICY not in origin.message()


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (ABSENT, "this is no state of a document that could be put back"),
        ({}, "this is no state of a document that could be put back"),
        ({"document": 5}, "this is no state of a document that could be put back"),
        ({"document": ["a"]}, "this is no state of a document that could be put back"),
        ({"tree": "1" * 40}, "this is no state of a document that could be put back"),
        ({"document": "a", "more": 1}, "this is no state of a document that could be put back"),
        ({"status": {"settled": False}}, "this is no state of a document that could be put back"),
        (doc(""), "this document is not written, for it is empty"),
        (doc(" \r\n\t\u00a0\u2003\n"), "this document is not written, for it is empty"),
        (doc("\ufeff\n"), "this document is not written, for it is empty"),
        (doc("a\0"), "this document is not written, for it holds a NUL, so it is no text"),
        (doc("a\ud800"), "this document is not written, for it is no Unicode text"),
        (doc("x" * (LIMIT + 1)), "this document is not written, for it is larger than 256 KiB"),
        (doc("ü" * (LIMIT // 2) + "x"), "this document is not written, for it is larger than 256 KiB"),
    ],
    ids=range(14),
)
def test_what_is_never_written_is_refused_before_anybody_is_asked(after: State, why: str) -> None:
    adapter = documents("/nowhere/repo.git", [POLICY])
    assert receipt_of(adapter, POLICY, after, doc(BAD)) == (Reply.REFUSED, f"not sent: {why}")
    assert adapter._mirror._program is None
    adapter.close()


@pytest.mark.parametrize("text", ["", "\n", "\ufeff \r\n"])
@pytest.mark.parametrize("holds", ["text", "public-keys"])
def test_a_file_that_was_emptied_is_seen_and_put_back(origin: Origin, text: str, holds: str) -> None:
    origin.commit({JWKS: key_set(KEY)})
    origin.commit({JWKS: text})
    adapter = documents(str(origin.path), [JWKS], settings={"holds": holds})
    seen = see(adapter, JWKS)
    assert settings_of(seen) == doc(text)
    assert (status_of(seen)["settled"], status_of(seen)["problem"]) == (False, f"{JWKS} is empty")
    assert receipt_of(adapter, JWKS, doc(key_set(KEY)), doc(text))[0] is Reply.ACCEPTED
    assert raw(origin, JWKS) == key_set(KEY).encode()
    adapter.close()


@pytest.mark.parametrize("text", [key_set(KEY), key_set(KEY, {**KEY, "kid": "2026-02"}), CERTIFICATE * 3])
def test_sets_of_public_keys_are_called_by_their_number(origin: Origin, keys: GitDocument, text: str) -> None:
    count = text.count('"kty"') or 3
    assert receipt_of(keys, JWKS, doc(text), ABSENT)[0] is Reply.ACCEPTED
    assert see(keys, JWKS) == {**doc(text), "status": {"label": f"{count} key{'s' if count > 1 else ''}"}}


NO_KEYS = [
    (key_set({**KEY, "d": SECRET}), "it holds the private part d of a key"),
    (key_set(KEY, {"more": {**KEY, "D": SECRET}}), "it holds the private part d of a key"),
    (key_set({**KEY, "d": SECRET}).replace('"d"', '"\\u0064"'), "it holds the private part d of a key"),
    (key_set({**KEY, "d": SECRET})[:-9], "it holds the private part d of a key"),
    (key_set(KEY, {"kty": "oct", "k": SECRET}), "it holds a symmetric key"),
    (key_set({**KEY, "note": PRIVATE_PEM}), "it holds a private key in PEM"),
    (CERTIFICATE + PRIVATE_PEM, "it holds a private key in PEM"),
    (PRIVATE_PEM.replace("PRIVATE", "ENCRYPTED PRIVATE"), "it holds a private key in PEM"),
    (PRIVATE_PEM.replace("PRIVATE KEY", "CERTIFICATE"), "it holds a private key that is called a public one"),
    (key_set(KEY)[:-9], "it is no JSON from line 9, column 4 on"),
    (key_set(), "it holds no key"),
    (key_set({"kid": "x"}), "its key number 1 has no kty"),
    ("<html>502</html>", "it is neither a set of keys in JSON nor a bundle in PEM"),
    (CERTIFICATE.replace("MAMC", "MA!C"), "its block number 1 is no base64"),
]


@pytest.mark.parametrize(("text", "why"), NO_KEYS, ids=range(len(NO_KEYS)))
def test_what_is_private_or_no_key_gets_nowhere(
    origin: Origin, keys: GitDocument, caplog: pytest.LogCaptureFixture, text: str, why: str
) -> None:
    """In neither direction: not from the branch into a state, and not from a change into the branch."""
    good = key_set(KEY)
    origin.commit({JWKS: good, OTHER: text, POLICY: good})
    with caplog.at_level(logging.DEBUG):
        seen = keys.observe([JWKS, OTHER])
        told = [str(seen[OTHER])]
        name = origin.git("rev-parse", f"main:{OTHER}").strip()
        assert settings_of(seen[OTHER]) == {"unread": name}
        assert status_of(seen[OTHER])["problem"] == f"{OTHER} is not read: {why}"
        assert settings_of(seen[JWKS]) == doc(good)
        changes = [to(JWKS, doc(text), doc(good)), to(OTHER, doc(good), doc(text))]
        head = origin.head()
        receipts = keys.apply(changes, CAUSE)
        assert [(receipt.reply, receipt.detail) for receipt in receipts] == [
            (Reply.REFUSED, f"not sent: this document is not written, for {why}"),
            (Reply.REFUSED, "not sent: this file was changed in the meantime"),
        ]
        findings = keys.rehearse(changes)
        assert [finding.severity for finding in findings] == [Severity.BLOCKER] * 2
    assert origin.head() == head
    told += [str(receipts), str(findings), caplog.text, origin.message()]
    (back,) = keys.apply([to(OTHER, doc(good), {"unread": name})], CAUSE)
    assert (back.reply, raw(origin, OTHER)) == (Reply.ACCEPTED, good.encode())
    told.append(origin.message())
    for words in told:
        assert SECRET not in words
        assert PRIVATE_DER[:6] not in words


def test_only_the_public_keys_are_looked_through(origin: Origin, adapter: GitDocument) -> None:
    """A policy may speak of keys; what may stand in it is not for us to say."""
    text = "# -----BEGIN PRIVATE KEY----- is what we refuse\n"
    assert receipt_of(adapter, POLICY, doc(text), doc(BAD))[0] is Reply.ACCEPTED


@pytest.mark.parametrize("moment", [OFFER, PUSH], ids=["before the push", "in the middle of the push"])
@pytest.mark.parametrize(
    ("theirs", "reply", "left"),
    [
        ({"README": "Read me."}, Reply.ACCEPTED, GOOD),
        ({POLICY: GOOD}, Reply.ACCEPTED, GOOD),
        ({POLICY: "allow = maybe\n"}, Reply.REFUSED, "allow = maybe\n"),
        ({POLICY: BAD + "\n"}, Reply.REFUSED, BAD + "\n"),
    ],
    ids=["elsewhere", "the same", "another text", "one more line end"],
)
def test_somebody_who_is_faster_loses_nothing(
    origin: Origin, web: GitWeb, remote: GitDocument, moment: str, theirs: dict[str, Content], reply: Reply, left: str
) -> None:
    made: list[str] = []

    def meanwhile(request: str) -> None:
        if request == moment and not made:
            made.append(origin.commit(theirs, "Be faster"))

    web.before = meanwhile
    told, detail = receipt_of(remote, POLICY, doc(GOOD), doc(BAD))
    assert told is reply
    assert reply is Reply.ACCEPTED or detail == "not sent: this file was changed in the meantime"
    assert raw(origin, POLICY) == left.encode()
    assert made[0] in origin.git("rev-list", "main")
    assert origin.commits() == (4 if "README" in theirs else 3)


def test_two_writers_at_once_both_get_through_or_are_told(origin: Origin, web: GitWeb) -> None:
    both = [documents_by_http(web.address, [POLICY, OTHER]) for _ in range(2)]
    commits = origin.commits()
    with ThreadPoolExecutor(2) as pool:
        elsewhere = [
            pool.submit(receipt_of, both[0], POLICY, doc(GOOD), doc(BAD)),
            pool.submit(receipt_of, both[1], OTHER, doc("allow\n"), doc("deny\n")),
        ]
        assert [one.result()[0] for one in elsewhere] == [Reply.ACCEPTED] * 2
        assert (raw(origin, POLICY), raw(origin, OTHER)) == (GOOD.encode(), b"allow\n")
        assert origin.commits() == commits + 2
        texts = ["one\n", "two\n"]
        rivals = [pool.submit(receipt_of, both[n], POLICY, doc(texts[n]), doc(GOOD)) for n in range(2)]
        replies = [one.result()[0] for one in rivals]
    assert sorted(replies) == [Reply.ACCEPTED, Reply.REFUSED]
    assert raw(origin, POLICY).decode() == texts[replies.index(Reply.ACCEPTED)]
    assert origin.commits() == commits + 3
    for adapter in both:
        adapter.close()


def test_a_file_that_is_gone_meanwhile_is_not_put_back(origin: Origin, adapter: GitDocument) -> None:
    head = origin.commit({POLICY: None})
    told = (Reply.REFUSED, "not sent: this file was changed in the meantime, and is gone")
    assert receipt_of(adapter, POLICY, doc(GOOD), doc(BAD)) == told
    assert origin.head() == head


@pytest.mark.parametrize("above", ["a file", ("120000", "elsewhere"), ("160000", "4" * 40)])
def test_nothing_but_the_file_is_changed_to_make_room_for_it(
    origin: Origin, adapter: GitDocument, above: str | tuple[str, str]
) -> None:
    origin.commit({"policies": None})
    head = origin.commit({"policies": above})
    assert settings_of(see(adapter, POLICY)) == ABSENT
    told = (Reply.REFUSED, "not sent: policies is no folder any more, and nothing but this path may be changed")
    assert receipt_of(adapter, POLICY, doc(GOOD), ABSENT) == told
    assert origin.head() == head


def test_a_path_that_stands_twice_or_in_another_one_is_refused(origin: Origin) -> None:
    adapter = documents(str(origin.path), [POLICY, "new", "new/one"])
    head = origin.head()
    batch = [to(POLICY, doc("1"), doc(BAD)), to(POLICY, doc("2"), doc(BAD))]
    batch += [to("new", doc("1"), ABSENT), to("new/one", doc("1"), ABSENT)]
    receipts = adapter.apply(batch, CAUSE)
    assert [receipt.reply for receipt in receipts] == [Reply.REFUSED] * 4
    assert receipts[1].detail == "not sent: it stands twice in one batch"
    assert receipts[2].detail == "not sent: new/one is changed together with it, and one lies inside the other"
    assert origin.head() == head
    adapter.close()


def test_a_rehearsal_says_what_cannot_be_pushed_and_does_nothing(
    origin: Origin, web: GitWeb, remote: GitDocument
) -> None:
    head, change = origin.head(), to(POLICY, doc(GOOD), doc(BAD))
    assert remote.rehearse([change]) == []
    (stale,) = remote.rehearse([to(POLICY, doc(GOOD), ABSENT)])
    assert stale.text == f"{POLICY} cannot be put back: this file was changed in the meantime."
    (never,) = remote.rehearse([to(POLICY, ABSENT, doc(BAD))])
    assert (never.severity, never.subject) == (Severity.BLOCKER, POLICY)
    web.faults = {OFFER: "403"}
    (denied,) = remote.rehearse([change])
    assert denied.text == "Nothing can be pushed to main: config-repository does not permit this with our credentials."
    web.faults = {OFFER: "cut"}
    with pytest.raises(BackendUnreachable):
        remote.rehearse([change])
    assert origin.head() == head
    assert PUSH not in web.requests


def test_a_push_whose_answer_was_lost_is_found_done(origin: Origin, web: GitWeb, remote: GitDocument) -> None:
    web.faults = {PUSH: "drop_reply"}
    assert receipt_of(remote, POLICY, doc(GOOD), doc(BAD))[0] is Reply.UNANSWERED
    web.faults = {}
    commits = origin.commits()
    assert settings_of(see(remote, POLICY)) == doc(GOOD)
    assert receipt_of(remote, POLICY, doc(GOOD), doc(BAD))[0] is Reply.ACCEPTED
    assert origin.commits() == commits


def test_our_copy_keeps_no_loose_files(origin: Origin, adapter: GitDocument) -> None:
    receipt_of(adapter, POLICY, doc(GOOD), doc(BAD))
    program = adapter._mirror._program
    assert program is not None
    assert [path.name for path in program.folder.iterdir()] == ["repository"]
    adapter.close()
    assert not program.folder.exists()


def test_what_people_call_it_is_not_compared(origin: Origin, adapter: GitDocument) -> None:
    seen = see(adapter, POLICY)
    assert label_of(seen)
    after: State = {**doc(GOOD), "status": {"label": "Let them in"}}
    assert receipt_of(adapter, POLICY, after, {**seen, "status": {}})[0] is Reply.ACCEPTED


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"holds": "keys"}, "settings.holds"),
        ({"holds": ""}, "settings.holds"),
        ({"holds": None}, "settings.holds"),
        ({"hold": "text"}, "settings.hold"),
        ({"branch": "-x"}, "settings.branch"),
    ],
)
def test_a_setting_that_is_wrong_is_named(settings: dict[str, object], path: str) -> None:
    with pytest.raises(InventoryFault) as caught:
        documents("/srv/repo.git", [POLICY], settings=settings)
    assert caught.value.path == path


@pytest.mark.parametrize("key", ["", "/", "..", "a/../b", "-a", ":/", "a\nb", ".git/config", "x" * 201])
def test_hostile_names_are_no_keys(key: str) -> None:
    with pytest.raises(InventoryFault):
        GitDocument.normalize_key(key)
    with pytest.raises(InventoryFault):
        documents("/srv/repo.git", [key])
