"""What is asked of git about one branch, and the making of one commit on it. Runs in the deadline of one call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from incidents.adapters.git_command import Ended, Program
from incidents.adapters.git_remote import Remote
from incidents.adapters.git_words import LONGEST_SUBJECT, certainly_not_sent, failure, is_damage, printable, said, short
from incidents.domain.errors import BackendRefused
from incidents.wire.deadline import Deadline

HEAD = "refs/handrail/head"
TREE = "040000"
EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # the tree with nothing in it, in every repository
# Arguments of one command; the system takes some hundred thousand bytes.
PATHS_IN_A_COMMAND = 500

# Somebody moved the branch between our look and our push; the server's own compare noticed it.
_RACED = re.compile(
    r"\((fetch first|non-fast-forward|stale info)\)|cannot lock ref|failed to update ref|incorrect old value"
)


class Damaged(Exception):
    """git does not find in our copy what must be there."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands at a path: its mode (octal, as git writes it) and the id of its object."""

    mode: str
    object: str

    @property
    def kind(self) -> str:
        return {"040000": "tree", "160000": "commit"}.get(self.mode, "blob")


@dataclass(frozen=True, slots=True)
class Touch:
    """One commit (its short id and its subject) that left `entry` at `path`."""

    commit: str
    path: str
    entry: Entry


class Pushed(StrEnum):
    """What came of a push."""

    DONE = "done"
    RACED = "raced"  # without effect: somebody else was faster
    REFUSED = "refused"  # without effect
    NOT_SENT = "not sent"  # certainly without effect
    UNANSWERED = "unanswered"  # sent, perhaps done


@dataclass(frozen=True, slots=True)
class Repository:
    """Our copy, used by one call.

    Raises (every method): TimeoutError when the deadline passed; OSError when git could not be run; Damaged.
    """

    program: Program
    remote: Remote
    deadline: Deadline

    def make(self) -> None:
        self._local("init", "--quiet", "--bare", "--template=")

    def fetch(self) -> str:
        """Fetches the branch with all of its history; gives the id of its newest commit.

        Raises: BackendUnreachable, BackendRefused.
        """
        quiet = ["--quiet", "--force", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]
        source = f"+refs/heads/{self.remote.branch}:{HEAD}"
        ended = self._run("fetch", *quiet, "--no-auto-maintenance", self.remote.url, source)
        if ended.code != 0:
            if is_damage(ended, self.remote):
                raise Damaged
            raise failure(ended, self.remote)
        return self._local("rev-parse", "--verify", "--quiet", f"{HEAD}^{{commit}}").text().strip()

    def entries(self, commit: str, paths: Sequence[str]) -> Mapping[str, Entry]:
        """What stands at each of these paths; one that does not exist is left out."""
        found: dict[str, Entry] = {}
        levels: dict[int, list[str]] = {}
        # git does not tell of a folder when it is asked for something in it too, so each depth is asked for alone.
        for path in sorted(set(paths)):
            levels.setdefault(path.count("/"), []).append(path)
        for level in levels.values():
            for start in range(0, len(level), PATHS_IN_A_COMMAND):
                asked = level[start : start + PATHS_IN_A_COMMAND]
                found |= _listing(self._local("ls-tree", "-z", "--full-tree", commit, "--", *asked))
        return found

    def trees(self, names: Sequence[str]) -> list[Mapping[str, Entry]]:
        """What stands in each of these trees, by name."""
        told = self._local("cat-file", "--batch", given="".join(f"{name}\n" for name in names)).out
        found: list[Mapping[str, Entry]] = []
        start = 0
        for _ in names:
            # ID SPACE "tree" SPACE SIZE LINE-END, then the tree itself, and a line end after it.
            end = told.index(b"\n", start) + 1
            fields = told[start:end].split()
            if fields[1:2] != [b"tree"]:
                raise Damaged
            start = end + int(fields[2]) + 1
            found.append(_tree(told[end : start - 1]))
        return found

    def store(self, trees: Sequence[Mapping[str, Entry]]) -> list[str]:
        """The ids of trees with these entries, in order."""
        lines = [
            [f"{entry.mode} {entry.kind} {entry.object}\t{name}\0" for name, entry in tree.items()] for tree in trees
        ]
        given = "\0".join("".join(tree) for tree in lines)
        return (
            self._local("mktree", "-z", "--batch", given=given).text().split() if any(lines) else [EMPTY] * len(trees)
        )

    def held(self, commit: str, wanted: Mapping[str, str]) -> Mapping[str, Entry]:
        """What once stood at these paths in the history of a commit, where it is the object that is wanted."""
        touches = self._history(commit, list(wanted), "--full-history", "-m") if wanted else ()
        found: dict[str, Entry] = {}
        for touch in touches:
            if touch.entry.object == wanted.get(touch.path):
                found.setdefault(touch.path, touch.entry)
        return found

    def labels(self, commit: str, trees: Mapping[str, str]) -> Mapping[str, str]:
        """The last commit that made each path what it is, as people call it; left out where it is not found."""
        found: dict[str, str] = {}
        # First commits that people wrote; merges only where a state came to be by merging.
        for how in ((), ("--full-history", "-m")):
            missing = [path for path in trees if path not in found]
            for touch in self._history(commit, missing, *how) if missing else ():
                if touch.entry.object == trees.get(touch.path):
                    found.setdefault(touch.path, printable(touch.commit, LONGEST_SUBJECT))
        return found

    def commit(self, tree: str, parent: str, text: str) -> str:
        return self._local("commit-tree", tree, "-p", parent, "-F", "-", given=text).text().strip()

    def push(self, commit: str, parent: str, *, pretend: bool = False) -> tuple[Pushed, str]:
        """Moves the branch on to this commit, never back or aside. What came of it, and words for people.

        Args:
            parent: where the branch must still stand: the remote compares and moves it in one, so that a branch which
                was set back meanwhile does not get back, below our commit, what was taken off it.
            pretend: ask all but the last question; without effect.
        """
        options = ["--porcelain", "--no-verify", "--no-signed", "--recurse-submodules=no", "--no-progress"]
        options += ["--dry-run"] if pretend else []
        try:
            branch = f"refs/heads/{self.remote.branch}"
            options.append(f"--force-with-lease={branch}:{parent}")
            ended = self._run("push", *options, self.remote.url, f"{commit}:{branch}")
        except TimeoutError:
            return Pushed.UNANSWERED, "no answer in time"
        return self._came_of(ended)

    def _came_of(self, ended: Ended) -> tuple[Pushed, str]:
        told = next((line for line in ended.text().splitlines() if line.startswith("!\t")), "")
        if ended.code == 0 and not told:
            return Pushed.DONE, ""
        reason = told.rpartition("\t")[2]
        if _RACED.search(reason):
            return Pushed.RACED, "others pushed at the same time"
        if reason.startswith(("[remote rejected]", "[rejected]")):
            words = said([f"remote: {reason.partition('(')[2].rpartition(')')[0]}.", *_theirs(ended)], self.remote)
            return Pushed.REFUSED, words
        if certainly_not_sent(ended):
            error = failure(ended, self.remote)
            return (Pushed.REFUSED if isinstance(error, BackendRefused) else Pushed.NOT_SENT), str(error)
        return Pushed.UNANSWERED, "the connection was lost before an answer came"

    def _history(self, commit: str, paths: Sequence[str], *how: str) -> Iterator[Touch]:
        """Every commit that changed one of these paths, newest first, with what it left there."""
        options = ["--raw", "-t", "-z", "--no-abbrev", "--no-renames", "--no-color", "--format=%x01%H %s", *how]
        asked = "".join(f"{line}\n" for line in (commit, "--", *paths))
        tokens = iter(self._local("log", *options, "--stdin", given=asked).text().split("\0"))
        about, wanted = "", set(paths)
        for token in tokens:
            if token.startswith("\x01"):
                commit_id, _, subject = token[1:].partition(" ")
                about = f"{short(commit_id)} {subject}"
            elif token.lstrip("\n").startswith(":"):
                path, fields = next(tokens), token.split()
                if path in wanted and fields[3].strip("0"):
                    yield Touch(about, path, Entry(fields[1], fields[3]))

    def _run(self, *arguments: str, given: str = "") -> Ended:
        return self.program.run(self.deadline, *arguments, given=given.encode("utf-8", "surrogateescape"))

    def _local(self, *arguments: str, given: str = "") -> Ended:
        """A command that needs nobody else, so that it cannot fail."""
        ended = self._run(*arguments, given=given)
        if ended.code != 0:
            raise Damaged
        return ended


def _listing(ended: Ended) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for line in ended.text().split("\0")[:-1]:
        about, _, path = line.partition("\t")
        mode, _, object_id = about.split()
        found[path] = Entry(mode, object_id)
    return found


def _tree(raw: bytes) -> dict[str, Entry]:
    """A tree as git keeps it: for each entry its mode, SPACE, its name, NUL and the 20 bytes of its id."""
    found: dict[str, Entry] = {}
    start = 0
    while start < len(raw):
        end = raw.index(b"\0", start)
        mode, _, name = raw[start:end].partition(b" ")
        start = end + 21
        found[name.decode("utf-8", "surrogateescape")] = Entry(mode.decode().zfill(6), raw[end + 1 : start].hex())
    return found


def _theirs(ended: Ended) -> list[str]:
    return [line for line in ended.words if line.startswith("remote:")]
