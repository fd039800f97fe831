"""Git in particular: what a commit changes and what it says, races, refusals, and the copy that we keep."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from incidents.adapters.git import Git
from incidents.domain.changes import Cause, Reply, State, label_of, settings_of
from incidents.domain.errors import BackendRefused, BackendTimeout, BackendUnreachable, InventoryFault
from incidents.domain.findings import Severity
from incidents.wire.deadline import Deadline
from tests.adapters.gits import BASKET, CHECKOUT, NOTHING, Origin, by_http, git, to
from tests.fakes.git_web import OFFER, PUSH, GitWeb

CAUSE = Cause("k", "RUN-TEST-01", "shop-operator", "checkout answers 500 since the last deploy")
# Whatever is changed, none of this may be.
AROUND: dict[str, str | tuple[str, str] | None] = {
    "README": "The shop.",
    "bin/deploy": ("100755", "#!/bin/sh"),
    "bin/latest": ("120000", "deploy"),
    "apps/ü [odd] *name*": "kept",
    "apps/checkouts/image": "kept",
    "vendor/lib": ("160000", "1" * 40),
}
GOOD, BAD = {f"{CHECKOUT}/image": "shop:1.42", f"{CHECKOUT}/conf/limits": "10"}, {f"{CHECKOUT}/image": "shop:1.43"}


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    """Two versions of `apps/checkout` among other things; the second, which is there now, is bad."""
    made = Origin(tmp_path)
    made.commit({**AROUND, **GOOD}, "Show the new basket")
    made.commit({**BAD, f"{CHECKOUT}/extra": "new"}, "Break checkout")
    return made


@pytest.fixture
def good(origin: Origin) -> State:
    return origin.state(CHECKOUT, "main^")


@pytest.fixture
def bad(origin: Origin) -> State:
    return origin.state(CHECKOUT)


@pytest.fixture
def adapter(origin: Origin) -> Iterator[Git]:
    made = git(str(origin.path), [CHECKOUT, BASKET])
    yield made
    made.close()


@pytest.fixture
def web(origin: Origin) -> Iterator[GitWeb]:
    with GitWeb(origin.folder) as server:
        yield server


@pytest.fixture
def remote(web: GitWeb) -> Iterator[Git]:
    """The same repository by http, where a test can step in between two requests."""
    made = by_http(web.address, [CHECKOUT, BASKET])
    yield made
    made.close()


def folder_of(adapter: Git) -> Path:
    program = adapter._mirror._program
    assert program is not None
    return program.folder


@pytest.mark.parametrize(
    "key", ["apps/checkout", "apps/ü [odd] *name*", "a", "a-b/:c", ".github/workflows", "a...b", "apps/checkout/"]
)
def test_a_path_is_a_key(key: str) -> None:
    assert Git.normalize_key(key) == key.removesuffix("/")


@pytest.mark.parametrize(
    "key",
    [
        *("", "/", ".", "..", "/etc", "a/../b", "a/./b", "a//b", "a/..", "a//", " a", "a ", "x" * 201),
        *("-a", "--upload-pack=x", ":/", ":(top)", "a\nb", "a\x00b", "a\x1b[2J", "a\u202eb", ".git/hooks", "a/.GIT"),
    ],
)
def test_the_whole_repository_and_hostile_names_are_no_keys(key: str) -> None:
    with pytest.raises(InventoryFault):
        Git.normalize_key(key)
    with pytest.raises(InventoryFault):
        git("/srv/repo.git", [key])


def test_one_commit_on_top_restores_the_path_and_touches_nothing_else(
    origin: Origin, adapter: Git, good: State, bad: State
) -> None:
    before, parent = origin.listing(), origin.head()
    (receipt,) = adapter.apply([to(CHECKOUT, good, bad)], CAUSE)
    assert (receipt.reply, receipt.detail) == (Reply.ACCEPTED, f"commit {origin.head()[:10]}")
    assert origin.git("rev-parse", "main^").strip() == parent
    assert origin.state(CHECKOUT) == good
    inside = f"{CHECKOUT}/"
    after = origin.listing()
    assert {p for p in after if p.startswith(inside)} == set(GOOD)
    assert {p: v for p, v in after.items() if not p.startswith(inside)} == {
        p: v for p, v in before.items() if not p.startswith(inside)
    }
    assert origin.git("log", "-1", "--format=%an <%ae>, %cn <%ce>").strip() == ", ".join(
        ["Handrail <handrail@localhost>"] * 2
    )
    assert origin.message() == (
        f"Revert apps/checkout to {str(good['tree'])[:10]}\n\n- apps/checkout to {str(good['tree'])[:10]}\n\n"
        "Run: RUN-TEST-01\nStarted by: shop-operator\nReason: checkout answers 500 since the last deploy"
    )


def test_a_batch_is_one_commit_and_a_repeated_one_is_none(
    origin: Origin, adapter: Git, good: State, bad: State
) -> None:
    origin.commit({f"{BASKET}/image": "basket:7"})
    basket, effects = origin.state(BASKET), origin.commits()
    batch = [to(CHECKOUT, good, bad), to(BASKET, NOTHING, basket)]
    for _ in range(2):
        assert [receipt.reply for receipt in adapter.apply(batch, CAUSE)] == [Reply.ACCEPTED] * 2
        assert origin.commits() == effects + 1
    assert origin.message().splitlines()[0] == "Revert 2 paths"
    assert f"- {BASKET} to nothing" in origin.message()
    # git keeps no empty folder, and the path that was asked about is gone.
    assert adapter.observe([BASKET]) == {BASKET: NOTHING}


def test_a_reason_forges_no_line_of_the_message(origin: Origin, adapter: Git, good: State, bad: State) -> None:
    reason = "broke\n\nRun: RUN-FAKE\r\nStarted by: root\u2028Signed-off-by: x <y>\x1b[2J\x00\u202e" + "!" * 600
    cause = Cause("k", "RUN-1\nRun: RUN-2", "shop\noperator", reason)
    assert adapter.apply([to(CHECKOUT, good, bad)], cause)[0].reply is Reply.ACCEPTED
    told = origin.message().split("\n\n")[2].split("\n")
    assert told[:2] == ["Run: RUN-1 Run: RUN-2", "Started by: shop operator"]
    assert told[2].startswith("Reason: broke Run: RUN-FAKE Started by: root Signed-off-by: x <y> [2J !!!")
    assert len(told) == 3
    assert len(told[2]) <= 510
    assert origin.git("log", "-1", "--format=%(trailers:key=Signed-off-by)").strip() == ""


def test_a_cause_that_says_nothing_leaves_no_empty_lines(origin: Origin, adapter: Git, good: State, bad: State) -> None:
    adapter.apply([to(CHECKOUT, good, bad)], Cause("k"))
    assert len(origin.message().split("\n\n")) == 2


@pytest.mark.parametrize(
    ("once", "now"),
    [
        ({"bin/deploy": ("100755", "#!/bin/sh")}, {"bin/deploy": ("100644", "broken")}),
        ({"bin/deploy": ("120000", "v1")}, {"bin/deploy": "a file"}),
        ({"bin/deploy": ("160000", "2" * 40)}, {"bin/deploy": ("160000", "3" * 40)}),
        ({"bin/deploy": "a file"}, {"bin/deploy": None, "bin/deploy/inner": "a folder"}),
        ({"bin/deploy": None, "bin/deploy/inner": "a folder"}, {"bin/deploy": None, "bin/deploy ": "x"}),
        ({"bin/deploy": None, "bin/deploy/inner": "a folder"}, {"bin/deploy": "a file"}),
    ],
    ids=[
        "executable",
        "link",
        "submodule",
        "file where a folder is",
        "folder where nothing is",
        "folder where a file is",
    ],
)
def test_whatever_stood_at_a_path_is_restored_with_its_mode(
    origin: Origin, once: dict[str, str | tuple[str, str] | None], now: dict[str, str | tuple[str, str] | None]
) -> None:
    origin.commit(once)
    wanted = {path: about for path, about in origin.listing().items() if path.startswith("bin/deploy")}
    after = origin.state("bin/deploy")
    origin.commit(now)
    adapter = git(str(origin.path), ["bin/deploy"])
    before = adapter.observe(["bin/deploy"])["bin/deploy"]
    assert adapter.apply([to("bin/deploy", after, settings_of(before))], CAUSE)[0].reply is Reply.ACCEPTED
    assert settings_of(adapter.observe(["bin/deploy"])["bin/deploy"]) == after
    assert wanted.items() <= origin.listing().items()
    adapter.close()


@pytest.mark.parametrize("above", ["a file", ("120000", "elsewhere"), ("160000", "4" * 40)])
def test_nothing_but_the_path_is_changed_to_make_room_for_it(
    origin: Origin, adapter: Git, good: State, above: str | tuple[str, str]
) -> None:
    head = origin.commit({"apps": None})
    assert adapter.observe([CHECKOUT]) == {CHECKOUT: NOTHING}
    origin.commit({"apps": above})
    (receipt,) = adapter.apply([to(CHECKOUT, good, NOTHING)], CAUSE)
    assert receipt.reply is Reply.REFUSED
    assert receipt.detail == "not sent: apps is no folder any more, and nothing but this path may be changed"
    assert origin.git("rev-parse", "main^").strip() == head


def test_the_last_path_may_go_too(origin: Origin, adapter: Git) -> None:
    origin.commit({"": None, f"{BASKET}/image": "1"})
    assert adapter.apply([to(BASKET, NOTHING, origin.state(BASKET))], CAUSE)[0].reply is Reply.ACCEPTED
    assert origin.listing() == {}


def test_paths_inside_each_other_are_not_changed_together(origin: Origin, good: State, bad: State) -> None:
    inner = f"{CHECKOUT}/image"
    adapter = git(str(origin.path), [CHECKOUT, inner, BASKET])
    seen = {key: settings_of(state) for key, state in adapter.observe([CHECKOUT, inner]).items()}
    assert seen == {CHECKOUT: bad, inner: origin.state(inner)}
    batch = [to(CHECKOUT, good, bad), to(inner, origin.state(inner, "main^"), seen[inner])]
    commits = origin.commits()
    receipts = adapter.apply(batch, CAUSE)
    assert [receipt.reply for receipt in receipts] == [Reply.REFUSED] * 2
    assert "one lies inside the other" in receipts[0].detail
    assert origin.commits() == commits
    adapter.close()


def test_one_that_is_refused_does_not_hold_up_the_others(origin: Origin, adapter: Git, good: State, bad: State) -> None:
    origin.commit({f"{BASKET}/image": "1"})
    stale = to(BASKET, NOTHING, {"tree": "5" * 40})
    replies = adapter.apply([stale, to(CHECKOUT, good, bad)], CAUSE)
    assert [receipt.reply for receipt in replies] == [Reply.REFUSED, Reply.ACCEPTED]
    assert replies[0].detail.startswith("not sent: this path was changed in the meantime, and holds ")
    assert (origin.state(CHECKOUT), origin.state(BASKET) != NOTHING) == (good, True)
    assert BASKET not in origin.message()


@pytest.mark.parametrize(
    "after",
    [
        {},
        {"tree": None},
        {"tree": "main"},
        {"tree": "--all"},
        {"tree": "A" * 40},
        {"tree": "", "more": 1},
        {"weight": 1},
    ],
)
def test_what_is_no_state_is_refused_before_anybody_is_asked(after: State) -> None:
    adapter = git("/nowhere/repo.git", [CHECKOUT])
    (receipt,) = adapter.apply([to(CHECKOUT, after, NOTHING)], CAUSE)
    assert (receipt.reply, receipt.detail) == (Reply.REFUSED, "not sent: this is no state of a path")
    assert adapter._mirror._program is None
    adapter.close()


@pytest.mark.parametrize("moment", [OFFER, PUSH], ids=["before the push", "in the middle of the push"])
def test_somebody_who_is_faster_elsewhere_loses_nothing(
    origin: Origin, web: GitWeb, remote: Git, good: State, bad: State, moment: str
) -> None:
    theirs: list[str] = []

    def meanwhile(request: str) -> None:
        if request == moment and not theirs:
            theirs.append(origin.commit({"README": "Read me."}, "Say more"))

    web.before = meanwhile
    assert remote.apply([to(CHECKOUT, good, bad)], CAUSE)[0].reply is Reply.ACCEPTED
    assert [origin.git("rev-parse", "main^").strip()] == theirs
    assert origin.state(CHECKOUT) == good
    assert origin.git("show", "main:README") == "Read me."


@pytest.mark.parametrize("moment", [OFFER, PUSH], ids=["before the push", "in the middle of the push"])
def test_somebody_who_is_faster_at_the_same_path_wins(
    origin: Origin, web: GitWeb, remote: Git, good: State, bad: State, moment: str
) -> None:
    theirs: list[str] = []

    def meanwhile(request: str) -> None:
        if request == moment and not theirs:
            theirs.append(origin.commit({f"{CHECKOUT}/image": "shop:1.44"}, "Repair checkout"))

    web.before = meanwhile
    (receipt,) = remote.apply([to(CHECKOUT, good, bad)], CAUSE)
    assert receipt.reply is Reply.REFUSED
    assert "changed in the meantime" in receipt.detail
    assert [origin.head()] == theirs


@pytest.mark.parametrize("moment", [OFFER, PUSH], ids=["before the push", "in the middle of the push"])
def test_what_was_taken_off_the_branch_meanwhile_does_not_come_back_below_our_commit(
    origin: Origin, web: GitWeb, remote: Git, good: State, bad: State, moment: str
) -> None:
    kept = origin.head()
    origin.commit({"README": "a secret"}, "Say too much")
    taken_off: list[str] = []

    def meanwhile(request: str) -> None:
        if request == moment and not taken_off:
            taken_off.append(origin.head())
            origin.git("update-ref", "refs/heads/main", kept)

    web.before = meanwhile
    assert remote.apply([to(CHECKOUT, good, bad)], CAUSE)[0].reply is Reply.ACCEPTED
    assert origin.git("rev-parse", "main^").strip() == kept
    assert origin.state(CHECKOUT) == good


def test_a_branch_that_never_stands_still_is_given_up(
    origin: Origin, web: GitWeb, remote: Git, good: State, bad: State
) -> None:
    def meanwhile(request: str) -> None:
        if request == OFFER:
            origin.commit({"README": "x"})

    web.before = meanwhile
    (receipt,) = remote.apply([to(CHECKOUT, good, bad)], CAUSE)
    assert receipt.reply is Reply.REFUSED
    assert receipt.detail == "others pushed to the branch each time before we could"
    assert web.requests.count(OFFER) == 5
    assert origin.state(CHECKOUT) == bad


def test_a_hook_that_says_no_is_quoted_shortly_and_without_control_signs(
    origin: Origin, adapter: Git, good: State, bad: State
) -> None:
    origin.hook("pre-receive", "printf 'no deploys\\033[2J on \\r fridays\\n' >&2; seq 500 >&2; exit 1")
    (receipt,) = adapter.apply([to(CHECKOUT, good, bad)], CAUSE)
    assert receipt.reply is Reply.REFUSED
    assert receipt.detail.startswith("pre-receive hook declined. no deploys [2J on fridays 1 2 3")
    assert len(receipt.detail) == 200
    assert origin.state(CHECKOUT) == bad


def test_a_branch_that_somebody_has_checked_out_is_refused(
    tmp_path: Path, good: State, origin: Origin, bad: State
) -> None:
    origin.git("config", "core.bare", "false")
    (receipt,) = git(str(origin.path), [CHECKOUT]).apply([to(CHECKOUT, good, bad)], CAUSE)
    assert receipt.reply is Reply.REFUSED
    assert receipt.detail.startswith("branch is currently checked out")


@pytest.mark.parametrize("known", [False, True], ids=["a fresh copy", "a copy from before"])
def test_what_was_rewritten_out_of_the_history_is_not_brought_back(
    origin: Origin, adapter: Git, good: State, known: bool
) -> None:
    if known:
        adapter.observe([CHECKOUT])
    head = origin.commit({CHECKOUT: None, f"{CHECKOUT}/image": "shop:2.0"}, "Begin anew", onto="")
    change = to(CHECKOUT, good, origin.state(CHECKOUT))
    (finding,) = adapter.rehearse([change])
    assert (finding.code, finding.severity) == ("backend.revision-gone", Severity.BLOCKER)
    (receipt,) = adapter.apply([change], CAUSE)
    assert receipt.reply is Reply.REFUSED
    assert receipt.detail == "not sent: the revision that held it is no longer in the repository"
    assert origin.head() == head


def test_what_stood_elsewhere_only_is_not_put_here(origin: Origin, adapter: Git, good: State) -> None:
    (receipt,) = adapter.apply([to(BASKET, good, NOTHING)], CAUSE)
    assert receipt.reply is Reply.REFUSED


def test_what_a_merge_made_is_found(origin: Origin, adapter: Git, good: State, bad: State) -> None:
    """Its tree is in no commit but the merge itself."""
    first = origin.commit({f"{CHECKOUT}/left": "1"})
    tree = origin.commit({f"{CHECKOUT}/right": "1"})
    trunk = origin.git("rev-parse", "main~2").strip()
    side = origin.join(first, [trunk], "Go aside")
    merge = origin.join(tree, [trunk, side], "Merge it")
    origin.git("update-ref", "refs/heads/main", merge)
    merged = origin.state(CHECKOUT)
    assert label_of(adapter.observe([CHECKOUT])[CHECKOUT]) == f"{merge[:10]} Merge it"
    origin.commit({f"{CHECKOUT}/left": "2"})
    assert adapter.apply([to(CHECKOUT, merged, origin.state(CHECKOUT))], CAUSE)[0].reply is Reply.ACCEPTED
    assert origin.state(CHECKOUT) == merged


def test_a_rehearsal_says_what_would_be_refused_and_does_nothing(
    origin: Origin, web: GitWeb, remote: Git, good: State, bad: State
) -> None:
    head = origin.head()
    assert remote.rehearse([to(CHECKOUT, good, bad)]) == []
    assert remote.rehearse([to(CHECKOUT, bad, good)]) == []
    (stale,) = remote.rehearse([to(CHECKOUT, good, NOTHING)])
    assert (stale.code, stale.severity, stale.subject) == ("backend.refused", Severity.BLOCKER, CHECKOUT)
    web.faults = {OFFER: "403"}
    (denied,) = remote.rehearse([to(CHECKOUT, good, bad)])
    assert (denied.code, denied.severity, denied.subject) == ("backend.refused", Severity.BLOCKER, "config-repository")
    assert denied.text == "Nothing can be pushed to main: config-repository does not permit this with our credentials."
    web.faults = {OFFER: "cut"}
    with pytest.raises(BackendUnreachable):
        remote.rehearse([to(CHECKOUT, good, bad)])
    assert origin.head() == head
    assert PUSH not in web.requests


def test_a_state_is_called_by_the_commit_that_made_it(origin: Origin, adapter: Git) -> None:
    broke = origin.head()
    origin.commit({"README": "x"}, "Say more")
    assert label_of(adapter.observe([CHECKOUT])[CHECKOUT]) == f"{broke[:10]} Break checkout"
    newest = origin.commit({f"{CHECKOUT}/image": "1"}, "a\x1b[2J\u202eb " + "long " * 30)
    label = label_of(adapter.observe([CHECKOUT])[CHECKOUT])
    assert label.startswith(f"{newest[:10]} a [2J b long long")
    assert len(label) == 80
    assert label.isprintable()
    assert adapter.observe([BASKET]) == {BASKET: NOTHING}


def test_a_repository_without_the_branch(origin: Origin, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    empty = Origin(tmp_path / "empty")
    for url, branch in ((empty.path, "main"), (origin.path, "production")):
        adapter = git(str(url), [CHECKOUT], settings={"branch": branch})
        with pytest.raises(BackendRefused, match=f"config-repository has no branch {branch}"):
            adapter.observe([CHECKOUT])
        (receipt,) = adapter.apply([to(CHECKOUT, NOTHING, {"tree": "5" * 40})], CAUSE)
        assert receipt.reply is Reply.REFUSED
        adapter.close()


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_path_without_a_repository(origin: Origin, scheme: str) -> None:
    adapter = git(f"{scheme}{origin.folder}/none.git", [CHECKOUT])
    with pytest.raises(BackendUnreachable, match="there is no repository at that path"):
        adapter.observe([CHECKOUT])
    (receipt,) = adapter.apply([to(CHECKOUT, NOTHING, {"tree": "5" * 40})], CAUSE)
    assert receipt.reply is Reply.NOT_SENT
    adapter.close()


def test_another_branch_and_another_author(origin: Origin, good: State, bad: State) -> None:
    origin.git("branch", "release/eu", "main")
    settings = {"branch": "release/eu", "author": "Shop Bot <bot@example.com>"}
    adapter = git(f"file://{origin.path}", [CHECKOUT], settings=settings)
    assert adapter.apply([to(CHECKOUT, good, bad)], CAUSE)[0].reply is Reply.ACCEPTED
    assert (origin.state(CHECKOUT, "release/eu"), origin.state(CHECKOUT)) == (good, bad)
    assert origin.git("log", "-1", "--format=%an %ae", "release/eu").strip() == "Shop Bot bot@example.com"
    adapter.close()


def test_the_machine_and_its_users_change_nothing(
    origin: Origin, good: State, bad: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap, home = tmp_path / "trapped", tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f'[url "/elsewhere"]\n\tinsteadOf = {origin.path}\n[core]\n\thooksPath = {home}\n[commit]\n\tgpgSign = true\n'
    )
    (home / "pre-push").write_text(f"#!/bin/sh\ntouch {trap}\nexit 1\n")
    (home / "pre-push").chmod(0o755)
    for name, value in {
        "HOME": str(home),
        "GIT_DIR": "/nowhere",
        "GIT_ALLOW_PROTOCOL": "ssh",
        "LC_ALL": "de_DE",
    }.items():
        monkeypatch.setenv(name, value)
    adapter = git(str(origin.path), [CHECKOUT])
    assert adapter.apply([to(CHECKOUT, good, bad)], CAUSE)[0].reply is Reply.ACCEPTED
    assert not trap.exists()
    adapter.close()


def test_the_copy_is_private_and_goes_with_the_adapter(origin: Origin, adapter: Git, bad: State) -> None:
    adapter.observe([CHECKOUT])
    folder = folder_of(adapter)
    assert folder.stat().st_mode & 0o777 == 0o700
    adapter.close()
    assert not folder.exists()
    assert settings_of(adapter.observe([CHECKOUT])[CHECKOUT]) == bad


def test_a_copy_that_lost_its_files_is_made_anew(origin: Origin, adapter: Git, bad: State) -> None:
    """As by a program that clears old files out of temporary folders."""
    for lost in ("repository/objects", "repository/refs", "repository", "."):
        adapter.observe([CHECKOUT])
        shutil.rmtree(folder_of(adapter) / lost)
        (receipt,) = adapter.apply([to(CHECKOUT, NOTHING, bad)], CAUSE)
        assert receipt.reply is Reply.NOT_SENT, lost
        assert settings_of(adapter.observe([CHECKOUT])[CHECKOUT]) == bad


def test_locks_of_a_git_that_was_ended_by_force_do_not_last(origin: Origin, web: GitWeb, bad: State) -> None:
    adapter = by_http(web.address, [CHECKOUT], 1)
    adapter.observe([CHECKOUT])
    web.faults = {"GET git-upload-pack": "hang"}
    with pytest.raises(BackendTimeout):
        adapter.observe([CHECKOUT])
    (folder_of(adapter) / "repository/refs/handrail/head.lock").touch()
    web.faults = {}
    origin.commit({"README": "x"})
    assert settings_of(adapter.observe([CHECKOUT])[CHECKOUT]) == bad
    adapter.close()


def test_those_who_ask_at_the_same_time_share_a_look_that_began_after_they_asked(
    origin: Origin, web: GitWeb, remote: Git
) -> None:
    remote.observe([CHECKOUT])
    web.requests.clear()
    web.before = lambda request: time.sleep(0.1)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: remote.observe([CHECKOUT]), range(8)))
    # The first one's look began before the others asked; the second's serves all who are left.
    assert web.requests.count("GET git-upload-pack") < 8
    web.before = lambda request: None
    for version in ("2", "3"):
        origin.commit({f"{CHECKOUT}/image": version})
        assert settings_of(remote.observe([CHECKOUT])[CHECKOUT]) == origin.state(CHECKOUT)


def test_whoever_waits_for_the_copy_waits_no_longer_than_his_time(origin: Origin, good: State, bad: State) -> None:
    adapter = git(str(origin.path), [CHECKOUT], 0.2)
    with adapter._mirror.use(Deadline(5)):
        with pytest.raises(BackendTimeout):
            adapter.observe([CHECKOUT])
        with pytest.raises(BackendTimeout):
            adapter.rehearse([to(CHECKOUT, good, bad)])
        assert adapter.apply([to(CHECKOUT, good, bad)], CAUSE)[0].reply is Reply.NOT_SENT
    adapter.close()


def test_many_paths_in_one_batch(origin: Origin) -> None:
    keys = [f"apps/service-{number}/live" for number in range(1100)]
    origin.commit({f"{key}/image": "1" for key in keys})
    once = dict.fromkeys(keys, origin.state(keys[0]))
    origin.commit({f"{key}/image": "2" for key in keys})
    adapter = git(str(origin.path), keys)
    now = {key: settings_of(state) for key, state in adapter.observe(keys).items()}
    commits = origin.commits()
    batch = [to(key, once[key], now[key]) for key in keys]
    assert {receipt.reply for receipt in adapter.apply(batch, CAUSE)} == {Reply.ACCEPTED}
    assert origin.commits() == commits + 1
    assert {key: settings_of(state) for key, state in adapter.observe(keys).items()} == once
    adapter.close()
