"""What the signer does in one round: it reads what is new, holds all of it against its own copy, and only then signs.

It trusts nothing that the database says. Its copy (`tiles.TileStore`) lies on a disk of its own, and its last
checkpoint there is what the log must still begin with: whoever rewrites the database, even as its superuser, cannot
rewrite that.
A checkpoint that does not follow from the last one is never signed: https://c2sp.org/tlog-checkpoint forbids it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from incidents.audit.keys import SigningKey, Unsigned, open_checkpoint
from incidents.audit.source import read_bodies, read_head
from incidents.audit.tiles import Damaged, TileStore
from incidents.domain.merkle import Frontier
from incidents.domain.notes import Checkpoint, Malformed, Note, VerifierKey

BATCH = 5_000


class Kind(StrEnum):
    """What is wrong, by what it looks like from here."""

    SHRUNK = "shrunk"  # entries that were signed are not there any more: cut off, or an old backup
    CHANGED = "changed"  # an entry that was signed is another one now
    FORKED = "forked"  # what the head row says does not follow from the entries
    MISSING = "missing"  # an entry that the head row speaks of is not there
    COPY = "copy"  # the signer's own copy is damaged


class Fault(Exception):
    """Why nothing is signed; the message is for people."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Signed:
    """The checkpoint that holds now, and its note; `fresh` when this round has made it."""

    checkpoint: Checkpoint
    note: str
    fresh: bool


class Signer:
    """One log, one copy of it, and the keys that sign it.

    Args:
        origin: the name of the log.
        keys: sign each checkpoint; the first is the one that others know.
        trusted: public keys by which the last checkpoint on disk is recognised, besides those of `keys`.
    """

    def __init__(
        self, store: TileStore, origin: str, keys: Sequence[SigningKey], trusted: Sequence[VerifierKey] = ()
    ) -> None:
        self._store = store
        self._origin = origin
        self._keys = keys
        self._trusted = [*(key.verifier for key in keys), *trusted]
        self._looked = 0

    def last(self) -> Signed:
        """The last checkpoint that was signed, by the signer's own disk. Raises Fault."""
        note = self._store.checkpoint()
        if not note:
            return Signed(Checkpoint(self._origin, 0, Frontier().root()), "", fresh=False)
        try:
            return Signed(open_checkpoint(note, self._origin, self._trusted), note, fresh=False)
        except (Malformed, Unsigned) as error:
            raise Fault(Kind.COPY, f"the signer's own last checkpoint is not to be trusted: {error}") from error

    def sign(self) -> Signed:
        """Signs the log as it is now, unless that is signed already. Raises Fault, and has signed nothing then."""
        last = self.last()
        try:
            tree = self._begin(last.checkpoint)
            size, root = read_head()
            if size < last.checkpoint.size:
                text = f"the log has {size} entries, and {last.checkpoint.size} were signed"
                raise Fault(Kind.SHRUNK, text)
            tree = self._read_on(tree, size)
        except Damaged as error:
            raise Fault(Kind.COPY, f"the signer's own copy is damaged: {error}") from error
        if tree.root() != root:
            raise Fault(Kind.FORKED, f"the first {size} entries do not give the tree that the log says it has")
        if last.note and size == last.checkpoint.size:
            return last
        told = Checkpoint(self._origin, size, root)
        note = str(Note(told.text, tuple(key.sign(told.text) for key in self._keys)))
        self._store.publish(note)
        return Signed(told, note, fresh=True)

    def look_back(self, most: int) -> None:
        """Holds at most so many entries that were signed against the copy, going on where it stopped the last time.

        Raises:
            Fault: one of them is not what it was, or is gone.
        """
        size = self.last().checkpoint.size
        first = self._looked if self._looked < size else 0
        end = min(size, first + most)
        for begin in range(first, end, BATCH):
            until = min(end, begin + BATCH)
            try:
                mine = list(self._store.all_entries(size, begin, until))
            except Damaged as error:
                raise Fault(Kind.COPY, f"the signer's own copy is damaged: {error}") from error
            theirs = dict(read_bodies(begin, until))
            for index, body in enumerate(mine, begin):
                if index not in theirs:
                    raise Fault(Kind.MISSING, f"entry {index} was signed, and is gone")
                if theirs[index] != body:
                    raise Fault(Kind.CHANGED, f"entry {index} is not the one that was signed")
        self._looked = end

    def _begin(self, last: Checkpoint) -> Frontier:
        tree = self._store.frontier(last.size)
        if tree.root() != last.root:
            raise Damaged("its hashes do not give its last checkpoint")
        return tree

    def _read_on(self, tree: Frontier, size: int) -> Frontier:
        """The tree with everything that is new, which is put into the copy on the way."""
        while tree.size < size:
            rows = read_bodies(tree.size, min(size, tree.size + BATCH))
            for expected, (index, _) in enumerate(rows, tree.size):
                if index != expected:
                    raise Fault(Kind.MISSING, f"entry {expected} is not there")
            if not rows:
                raise Fault(Kind.MISSING, f"entry {tree.size} is not there")
            tree = self._store.extend(tree, [body for _, body in rows])
        return tree
