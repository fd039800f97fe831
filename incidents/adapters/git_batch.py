"""A batch of changes to one commit: what each comes to, and the tree that comes of all. A kind says what a state is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from incidents.adapters.git_repository import TREE, Entry, Repository
from incidents.domain.changes import Change, Receipt, Reply

REFUSED, GONE = "backend.refused", "backend.revision-gone"
ROOT = ""


@dataclass(frozen=True, slots=True)
class Errand:
    """One change.

    Args:
        change: what is asked for.
        reply: known without a commit; None where one is needed.
        detail: words for people.
        code: of the finding that a refusal is in a rehearsal.
        target: what shall stand at the path; None for nothing.
    """

    change: Change
    reply: Reply | None = None
    detail: str = ""
    code: str = REFUSED
    target: Entry | None = None

    @property
    def path(self) -> str:
        return self.change.key

    @property
    def why(self) -> str:
        return self.detail.removeprefix("not sent: ")

    @property
    def object(self) -> str:
        """The id of what shall stand at the path; empty for nothing."""
        return self.target.object if self.target else ""

    def refused(self, detail: str, code: str = REFUSED) -> Errand:
        return replace(self, reply=Reply.REFUSED, detail=f"not sent: {detail}", code=code)

    def receipt(self, reply: Reply, detail: str) -> Receipt:
        """What is told of it; `reply` and `detail` where it was part of the commit."""
        return Receipt(self.path, self.reply or reply, self.detail if self.reply else detail)


def build(errands: Sequence[Errand], repository: Repository, head: str) -> str:
    """The id of the tree of this commit with what the errands without a reply ask for, and nothing else changed.

    Raises: TimeoutError, OSError, Damaged.
    """
    edits = {errand.path: errand.target for errand in errands if errand.reply is None}
    folders = _folders({folder for path in edits for folder in above(path)}, repository, head)
    for path, target in edits.items():
        _place(folders, path, target)
    # From the deepest up, for the id of a folder is part of the one above it.
    for depth in range(max(map(_depth, folders)), 0, -1):
        level = [path for path in folders if _depth(path) == depth]
        ids = repository.store([folders[path] for path in level if folders[path]])
        for path in level:
            # git keeps no empty folders.
            _place(folders, path, Entry(TREE, ids.pop(0)) if folders[path] else None)
    return repository.store([folders[ROOT]])[0]


def above(path: str) -> list[str]:
    """The folders that a path lies in."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def with_room(errand: Errand, there: Mapping[str, Entry]) -> Errand:
    """The same, refused where something that is no folder stands in the way to its path.

    Args:
        there: what stands at the folders above it, and perhaps elsewhere.
    """
    blocked = next((folder for folder in above(errand.path) if folder in there and there[folder].mode != TREE), "")
    if blocked:
        return errand.refused(f"{blocked} is no folder any more, and nothing but this path may be changed")
    return errand


def apart(errands: Sequence[Errand]) -> list[Errand]:
    """The same; those without a reply are refused where another change of the batch would touch their path too."""
    paths = [errand.path for errand in errands if errand.reply is None]
    near, often = _near(paths), Counter(paths)
    return [errand if errand.reply else _alone(errand, near, often) for errand in errands]


def _alone(errand: Errand, near: Mapping[str, str], often: Mapping[str, int]) -> Errand:
    if errand.path in near:
        return errand.refused(f"{near[errand.path]} is changed together with it, and one lies inside the other")
    return errand.refused("it stands twice in one batch") if often[errand.path] > 1 else errand


def _near(paths: Sequence[str]) -> dict[str, str]:
    """Paths that another one lies inside of, or that lie inside another one, each with that one."""
    found: dict[str, str] = {}
    known = set(paths)
    for path in paths:
        for folder in known.intersection(above(path)):
            found |= {path: folder, folder: path}
    return found


def _folders(paths: Iterable[str], repository: Repository, head: str) -> dict[str, dict[str, Entry]]:
    """What stands in each of these folders and in the root, by name; nothing in those that do not exist."""
    there = repository.entries(head, list(paths))
    found = [ROOT, *there]
    read = repository.trees([f"{head}^{{tree}}", *(entry.object for entry in there.values())])
    return {**{path: {} for path in paths}, **{path: dict(tree) for path, tree in zip(found, read, strict=True)}}


def _place(folders: Mapping[str, dict[str, Entry]], path: str, target: Entry | None) -> None:
    folder, _, name = path.rpartition("/")
    if target is None:
        folders[folder].pop(name, None)
    else:
        folders[folder][name] = target


def _depth(path: str) -> int:
    """Of a folder: 0 for the root."""
    return path.count("/") + 1 if path else 0
