"""Git over http, https and ssh: credentials, lost answers, hung servers; and what no other process may see."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from incidents.adapters.git import Git
from incidents.domain.changes import Cause, Change, Reply, State, settings_of
from incidents.domain.errors import AdapterError, BackendRefused, BackendTimeout, BackendUnreachable, InventoryFault
from tests.adapters.gits import CHECKOUT, Origin, Sshd, by_http, git, to
from tests.fakes.certificates import make_identity
from tests.fakes.git_web import LOOK, OFFER, PUSH, TAKE, GitWeb
from tests.fakes.sockets import Peer, closed_address, closing, dripping, silent

CAUSE = Cause("k", "RUN-TEST-01", "shop-operator", "a test")
TOKEN = "t0ken-of-the-deploy-user"


class Shop:
    """A repository with a good version of `apps/checkout`, and a bad one that is there now."""

    def __init__(self, folder: Path) -> None:
        self.origin = Origin(folder)
        self.origin.commit({f"{CHECKOUT}/image": "shop:1.42"}, "Show the new basket")
        self.good = self.origin.state(CHECKOUT)
        self.broken = self.origin.commit({f"{CHECKOUT}/image": "shop:1.43"}, "Break checkout")
        self.bad = self.origin.state(CHECKOUT)

    def back(self) -> Change:
        return to(CHECKOUT, self.good, self.bad)

    def now(self) -> State:
        return self.origin.state(CHECKOUT)

    def spoil(self) -> None:
        self.origin.git("update-ref", "refs/heads/main", self.broken)


@pytest.fixture(scope="module")
def shop_of_all(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture
def shop(shop_of_all: Shop) -> Shop:
    shop_of_all.spoil()
    return shop_of_all


@pytest.fixture
def web(shop: Shop) -> Iterator[GitWeb]:
    with GitWeb(shop.origin.folder) as server:
        yield server


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    server = Sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.stop()


def with_token(tmp_path: Path, token: str = TOKEN) -> dict[str, object]:
    (tmp_path / "token").write_text(token)
    return {"token": f"file:{tmp_path / 'token'}", "username": "deploy"}


def receipt_of(adapter: Git, change: Change) -> tuple[Reply, str]:
    (receipt,) = adapter.apply([change], CAUSE)
    adapter.close()
    return receipt.reply, receipt.detail


def command_lines(word: str) -> list[str]:
    """Command lines of living processes that hold this word."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if word in line:
            found.append(line)
    return found


def none_left(word: str) -> bool:
    """Whether they have ended; those that were ended by force may take a moment to go."""
    end = time.monotonic() + 3
    while command_lines(word):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize(
    ("request_", "fault", "reply", "detail"),
    [
        (LOOK, "cut", Reply.NOT_SENT, "could not be reached"),
        (LOOK, "503", Reply.NOT_SENT, "answers with an error of its own"),
        (LOOK, "301", Reply.REFUSED, "has moved to another address"),
        (LOOK, "404", Reply.REFUSED, "has no such repository, or does not show it to us"),
        (TAKE, "cut", Reply.NOT_SENT, "broke the connection off"),
        (TAKE, "drop_reply", Reply.NOT_SENT, "broke the connection off"),
        (OFFER, "cut", Reply.NOT_SENT, "could not be reached"),
        (OFFER, "500", Reply.NOT_SENT, "answers with an error of its own"),
        (OFFER, "401", Reply.REFUSED, "does not accept our credentials"),
        (OFFER, "403", Reply.REFUSED, "does not permit this with our credentials"),
        (PUSH, "401", Reply.REFUSED, "does not accept our credentials"),
        (PUSH, "403", Reply.REFUSED, "does not permit this with our credentials"),
        (PUSH, "cut", Reply.UNANSWERED, "the connection was lost before an answer came"),
        (PUSH, "502", Reply.UNANSWERED, "the connection was lost before an answer came"),
        (PUSH, "drop_reply", Reply.UNANSWERED, "the connection was lost before an answer came"),
    ],
)
def test_what_is_told_of_a_request_that_goes_wrong(
    shop: Shop, web: GitWeb, request_: str, fault: str, reply: Reply, detail: str
) -> None:
    web.faults = {request_: fault}
    told, words = receipt_of(by_http(web.address, [CHECKOUT]), shop.back())
    assert told is reply
    assert words.removeprefix("config-repository ") == detail
    assert web.requests[-1] == request_  # it went wrong there, and not before
    assert shop.now() == (shop.good if (request_, fault) == (PUSH, "drop_reply") else shop.bad)


def test_a_push_whose_answer_was_lost_is_found_done(shop: Shop, web: GitWeb) -> None:
    adapter = by_http(web.address, [CHECKOUT])
    web.faults = {PUSH: "drop_reply"}
    assert adapter.apply([shop.back()], CAUSE)[0].reply is Reply.UNANSWERED
    web.faults = {}
    commits = shop.origin.commits()
    assert settings_of(adapter.observe([CHECKOUT])[CHECKOUT]) == shop.good
    assert receipt_of(adapter, shop.back())[0] is Reply.ACCEPTED
    assert shop.origin.commits() == commits


@pytest.mark.parametrize(
    ("moment", "reply"),
    [(LOOK, Reply.NOT_SENT), (TAKE, Reply.NOT_SENT), (OFFER, Reply.UNANSWERED), (PUSH, Reply.UNANSWERED)],
)
def test_a_server_that_hangs_leaves_no_process_and_shows_no_secret(
    shop: Shop, web: GitWeb, tmp_path: Path, moment: str, reply: Reply
) -> None:
    web.token = f"deploy:{TOKEN}"
    adapter = by_http(web.address, [CHECKOUT], 1, with_token(tmp_path))
    adapter.observe([CHECKOUT])
    seen: list[str] = []

    def look_round(request: str) -> None:
        if request == moment:
            seen.extend(command_lines(web.address) + command_lines(TOKEN))

    web.before, web.faults = look_round, {moment: "hang"}
    shop.origin.commit({"README": moment})
    began = time.monotonic()
    assert adapter.apply([shop.back()], CAUSE)[0].reply is reply
    assert time.monotonic() - began < 6
    assert none_left(web.address)
    assert any("remote-http" in line for line in seen)
    secrets = (TOKEN, base64.b64encode(f"deploy:{TOKEN}".encode()).decode())
    assert not [line for line in seen if any(secret in line for secret in secrets)]
    adapter.close()


@pytest.mark.parametrize("meet", [silent, dripping])
@pytest.mark.parametrize("scheme", ["http://{}/repo.git", "ssh://git@{}/repo.git"])
def test_a_peer_that_does_not_answer_leaves_no_process(
    sshd: Sshd, meet: Callable[[socket.socket, threading.Event], None], scheme: str
) -> None:
    with Peer(meet) as peer:
        settings = sshd.settings() if scheme.startswith("ssh") else {}
        adapter = git(scheme.format(peer.address), [CHECKOUT], 0.5, settings)
        with pytest.raises((BackendTimeout, BackendUnreachable)):
            adapter.observe([CHECKOUT])
        assert peer.met == 1
        assert none_left(peer.address)
        assert none_left(f"-p {peer.address.partition(':')[2]}")
        adapter.close()


def test_a_token_opens_the_door_and_its_lack_does_not(shop: Shop, web: GitWeb, tmp_path: Path) -> None:
    web.token = f"deploy:{TOKEN}"
    wrong = with_token(tmp_path, "another")
    for settings in ({}, {"token": wrong["token"]}, wrong):
        adapter = by_http(web.address, [CHECKOUT], settings=settings)
        with pytest.raises(BackendRefused, match=r"^config-repository does not accept our credentials$"):
            adapter.observe([CHECKOUT])
        told = (Reply.REFUSED, "config-repository does not accept our credentials")
        assert receipt_of(adapter, shop.back()) == told
    assert shop.now() == shop.bad
    assert receipt_of(by_http(web.address, [CHECKOUT], settings=with_token(tmp_path)), shop.back())[0] is Reply.ACCEPTED


def test_a_secret_that_the_other_side_repeats_is_left_out(shop: Shop, web: GitWeb, tmp_path: Path) -> None:
    web.token = f"deploy:{TOKEN}"
    coded = base64.b64encode(web.token.encode()).decode()
    shop.origin.hook("pre-receive", f"echo you sent {TOKEN} or {coded} >&2; exit 1")
    adapter = by_http(web.address, [CHECKOUT], settings=with_token(tmp_path))
    try:
        told = (Reply.REFUSED, "pre-receive hook declined. you sent (secret) or (secret)")
        assert receipt_of(adapter, shop.back()) == told
    finally:
        (shop.origin.path / "hooks/pre-receive").unlink()
    assert TOKEN not in repr(adapter.__dict__)


def test_a_token_is_sent_to_nobody_else(shop: Shop, web: GitWeb, tmp_path: Path) -> None:
    """A redirection is not followed, even within the same server."""
    web.faults = {LOOK: "301"}
    adapter = by_http(web.address, [CHECKOUT], settings=with_token(tmp_path))
    with pytest.raises(BackendRefused, match="has moved to another address"):
        adapter.observe([CHECKOUT])
    assert web.requests == [LOOK]
    adapter.close()


def test_https_with_an_authority_of_ones_own(shop: Shop, tmp_path: Path) -> None:
    ours, other = (make_identity(tmp_path, name, "IP:127.0.0.1") for name in ("ours", "other"))
    with GitWeb(shop.origin.folder, ours.server()) as web:
        url = f"https://{web.address}/repo.git"
        for settings in ({}, {"ca": f"file:{other.certificate}"}):
            adapter = git(url, [CHECKOUT], settings=settings)
            with pytest.raises(BackendUnreachable, match="its certificate is not accepted"):
                adapter.observe([CHECKOUT])
            assert receipt_of(adapter, shop.back())[0] is Reply.NOT_SENT
        adapter = git(url, [CHECKOUT], settings={"ca": f"file:{ours.certificate}"})
        assert receipt_of(adapter, shop.back())[0] is Reply.ACCEPTED
    assert shop.now() == shop.good


def test_ssh_with_a_key_and_a_known_host(shop: Shop, sshd: Sshd) -> None:
    adapter = git(sshd.url(shop.origin.path), [CHECKOUT], settings=sshd.settings())
    assert settings_of(adapter.observe([CHECKOUT])[CHECKOUT]) == shop.bad
    assert adapter.rehearse([shop.back()]) == []
    assert adapter.apply([shop.back()], CAUSE)[0].reply is Reply.ACCEPTED
    assert shop.now() == shop.good
    program = adapter._mirror._program
    assert program is not None
    assert (program.folder / "key").stat().st_mode & 0o777 == 0o600
    adapter.close()
    assert not program.folder.exists()


@pytest.mark.parametrize(
    ("key", "known", "words"),
    [
        ("stranger", "known_hosts", "does not permit this with our credentials"),
        ("host.pub", "known_hosts", "does not permit this with our credentials"),
        ("key", "changed", "shows a host key that is not among those that we know"),
        ("key", "others", "shows a host key that is not among those that we know"),
    ],
    ids=["another key", "no key at all", "another host key", "an unknown host"],
)
def test_ssh_with_strangers(shop: Shop, sshd: Sshd, key: str, known: str, words: str) -> None:
    sshd.known("changed", "stranger")
    (sshd.folder / "others").write_text("git.example.com " + (sshd.folder / "host.pub").read_text())
    adapter = git(sshd.url(shop.origin.path), [CHECKOUT], settings=sshd.settings(key, known))
    with pytest.raises(BackendRefused, match=f"^config-repository {words}$"):
        adapter.observe([CHECKOUT])
    assert receipt_of(adapter, shop.back()) == (Reply.REFUSED, f"config-repository {words}")
    assert shop.now() == shop.bad


def test_ssh_quotes_a_hook_and_notices_who_is_faster(shop: Shop, sshd: Sshd) -> None:
    shop.origin.hook("pre-receive", "echo no deploys on fridays >&2; exit 1")
    adapter = git(sshd.url(shop.origin.path), [CHECKOUT], settings=sshd.settings())
    told = receipt_of(adapter, shop.back())
    # The first time somebody else pushes while ours is looked at.
    script = '[ -e raced ] || { touch raced; unset ${!GIT_*}; git update-ref refs/heads/main "$(cat other)"; }'
    other = shop.origin.commit({"README": "x"}, "Say more")
    shop.spoil()
    (shop.origin.path / "other").write_text(other)
    shop.origin.hook("pre-receive", script)
    (shop.origin.path / "hooks/pre-receive").write_text(f"#!/bin/bash\n{script}\n")
    try:
        assert told == (Reply.REFUSED, "pre-receive hook declined. no deploys on fridays")
        assert receipt_of(adapter, shop.back())[0] is Reply.ACCEPTED
        assert shop.origin.git("rev-parse", "main^").strip() == other
    finally:
        (shop.origin.path / "hooks/pre-receive").unlink()


@pytest.mark.parametrize("scheme", ["http://{}/repo.git", "https://{}/repo.git", "ssh://git@{}/repo.git"])
@pytest.mark.parametrize("listens", [True, False], ids=["it hangs up", "nobody listens"])
def test_nobody_there(sshd: Sshd, shop: Shop, scheme: str, listens: bool) -> None:
    settings = sshd.settings() if scheme.startswith("ssh") else {}
    with Peer(closing) as peer:
        adapter = git(scheme.format(peer.address if listens else closed_address()), [CHECKOUT], settings=settings)
        with pytest.raises(BackendUnreachable, match=r"^config-repository could not be "):
            adapter.observe([CHECKOUT])
        assert receipt_of(adapter, shop.back())[0] is Reply.NOT_SENT
        assert peer.met == (2 if listens else 0)


def test_no_git_on_this_machine(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    adapter = git(str(shop.origin.path), [CHECKOUT])
    with pytest.raises(AdapterError, match="could not be asked"):
        adapter.observe([CHECKOUT])
    assert receipt_of(adapter, shop.back())[0] is Reply.NOT_SENT


@pytest.mark.parametrize(
    ("url", "settings", "path"),
    [
        ("", {}, "url"),
        ("repo.git", {}, "url"),
        ("--upload-pack=x", {}, "url"),
        ("ext::sh -c id", {}, "url"),
        ("git://git.example.com/x", {}, "url"),
        ("https://deploy:secret@git.example.com/x", {}, "url"),
        ("https://git.example.com/x\n", {}, "url"),
        ("file://host/x", {}, "url"),
        ("ssh://git.example.com/x", {"key": "file:k", "known_hosts": "file:k"}, "url"),
        ("ssh://git:secret@git.example.com/x", {"key": "file:k", "known_hosts": "file:k"}, "url"),
        ("ssh://git@-oProxyCommand=id/x", {"key": "file:k", "known_hosts": "file:k"}, "url"),
        ("ssh://git@git.example.com:0/x", {"key": "file:k", "known_hosts": "file:k"}, "url"),
        ("ssh://git@git.example.com", {"key": "file:k", "known_hosts": "file:k"}, "url"),
        ("ssh://git@git.example.com/x", {"key": "file:k"}, "known_hosts"),
        ("ssh://git@git.example.com/x", {"known_hosts": "file:k"}, "key"),
        ("ssh://git@git.example.com/x", {"key": "the key itself", "known_hosts": "file:k"}, "key"),
        ("ssh://git@git.example.com/x", {"key": "file:k", "known_hosts": "file:k", "token": "file:k"}, "token"),
        ("https://git.example.com/x", {"key": "file:k"}, "key"),
        ("https://git.example.com/x", {"username": "deploy"}, "token"),
        ("https://git.example.com/x", {"token": "file:lines"}, "token"),
        ("https://git.example.com/x", {"token": "file:k", "username": "a:b"}, "username"),
        ("http://git.example.com/x", {"ca": "file:k"}, "ca"),
        ("/srv/x", {"token": "file:k"}, "token"),
        ("/srv/x", {"branch": "-main"}, "branch"),
        ("/srv/x", {"branch": "a..b"}, "branch"),
        ("/srv/x", {"branch": "main:other"}, "branch"),
        ("/srv/x", {"branch": "main.lock"}, "branch"),
        ("/srv/x", {"branch": "a//b"}, "branch"),
        ("/srv/x", {"author": "nobody"}, "author"),
        ("/srv/x", {"author": "a\nb <c@example.com>"}, "author"),
        ("/srv/x", {"brunch": "main"}, "brunch"),
    ],
)
def test_a_setting_that_is_wrong_is_named_and_no_secret_is_repeated(
    url: str, settings: dict[str, object], path: str
) -> None:
    contents = {"file:k": "s3cret", "file:lines": "s3cret\nX-Other: s3cret"}
    with pytest.raises(InventoryFault) as caught:
        Git.from_settings(
            name="config-repository",
            settings={"url": url, **settings},
            secret=contents.__getitem__,
            keys=frozenset([CHECKOUT]),
            budget_seconds=3,
        )
    assert caught.value.path == f"settings.{path}"
    assert "s3cret" not in str(caught.value)
    assert "secret@" not in str(caught.value)
