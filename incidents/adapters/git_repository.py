"""What is asked of git about one branch, and the making of one commit on it. Runs in the deadline of one call."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from incidents.adapters.git_command import LARGEST_OUTPUT, Ended, Program
from incidents.adapters.git_remote import Remote
from incidents.adapters.git_words import LONGEST_SUBJECT, certainly_not_sent, failure, is_damage, printable, said, short
from incidents.domain.errors import BackendRefused
from incidents.wire.deadline import Deadline

HEAD = "refs/handrail/head"
TREE, FILE, LINK, SUBMODULE = "040000", "100644", "120000", "160000"
EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # the tree with nothing in it, in every repository
# Arguments of one command; the system takes some hundred thousand bytes.
PATHS_IN_A_COMMAND = 500
# What `git cat-file` writes before each object, and a line end after it.
LONGEST_HEADER = 100

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
        return {TREE: "tree", SUBMODULE: "commit"}.get(self.mode, "blob")


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
        return [_tree(raw) for raw in self._contents(names, b"tree")]

    def blobs(self, ids: Collection[str], largest: int) -> Mapping[str, bytes]:
        """What these files hold, by the id of each, byte for byte; one of more bytes than `largest` is left out."""
        asked = "".join(f"{one}\n" for one in ids)
        sizes = self._local("cat-file", "--batch-check=%(objectname) %(objectsize)", given=asked).text().splitlines()
        small = [one for one, _, size in (line.partition(" ") for line in sizes) if _number(size) <= largest]
        found: dict[str, bytes] = {}
        many = max(1, LARGEST_OUTPUT // (largest + LONGEST_HEADER))
        for start in range(0, len(small), many):
            some = small[start : start + many]
            found |= zip(some, self._contents(some, b"blob"), strict=True)
        return found

    def write(self, contents: Sequence[bytes]) -> list[str]:
        """The ids of files that hold this, byte for byte, in order."""
        with tempfile.TemporaryDirectory(dir=self.program.folder) as folder:
            paths = [Path(folder, str(number)) for number in range(len(contents))]
            for path, content in zip(paths, contents, strict=True):
                path.write_bytes(content)
            given = "".join(f"{path}\n" for path in paths)
            return self._local("hash-object", "-w", "--no-filters", "--stdin-paths", given=given).text().split()

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

    def _contents(self, names: Sequence[str], kind: bytes) -> Iterator[bytes]:
        """What each of these objects holds, in order; all of them are of one kind."""
        told = self._local("cat-file", "--batch", given="".join(f"{name}\n" for name in names)).out
        start = 0
        for _ in names:
            # ID SPACE KIND SPACE SIZE LINE-END, then the object itself, and a line end after it.
            end = told.index(b"\n", start) + 1
            fields = told[start:end].split()
            if fields[1:2] != [kind]:
                raise Damaged
            start = end + int(fields[2]) + 1
            yield told[end : start - 1]

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


def _number(size: str) -> int:
    """Raises Damaged for what git says of an object that is missing."""
    if not size.isdigit():
        raise Damaged
    return int(size)


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
