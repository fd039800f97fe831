"""A batch of changes to one commit: what is there, what may be written, and the tree that comes of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from incidents.adapters.git_repository import TREE, Entry, Repository
from incidents.adapters.git_words import short
from incidents.domain.changes import Change, Receipt, Reply, State, same, settings_of

REFUSED, GONE = "backend.refused", "backend.revision-gone"
ROOT = ""
_ID = re.compile(r"[0-9a-f]{40}")


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
    def tree(self) -> str:
        """The id that shall stand at the path; empty for nothing."""
        return str(self.change.after["tree"])

    def refused(self, detail: str, code: str = REFUSED) -> Errand:
        return replace(self, reply=Reply.REFUSED, detail=f"not sent: {detail}", code=code)

    def receipt(self, reply: Reply, detail: str) -> Receipt:
        """What is told of it; `reply` and `detail` where it was part of the commit."""
        return Receipt(self.path, self.reply or reply, self.detail if self.reply else detail)


def state_of(entry: Entry | None) -> State:
    return {"tree": entry.object if entry else ""}


def errands_of(changes: Sequence[Change]) -> list[Errand]:
    """One a change, in order; what could never be written is refused here, without asking anybody."""
    return [
        Errand(change) if _is_state(change.after) else Errand(change).refused("this is no state of a path")
        for change in changes
    ]


def weigh(errands: Sequence[Errand], repository: Repository, head: str) -> list[Errand]:
    """The same, compared with what stands at their paths in this commit.

    Raises: TimeoutError, OSError, Damaged.
    """
    paths = [errand.path for errand in errands]
    there = repository.entries(head, [*paths, *(above for path in paths for above in _above(path))])
    compared = [_compare(errand, there) for errand in errands]
    wanted = {errand.path: errand.tree for errand in compared if errand.reply is None and errand.tree}
    held = repository.held(head, wanted)
    near = _near([errand.path for errand in compared if errand.reply is None])
    return [_fit(errand, held, near) for errand in compared]


def build(errands: Sequence[Errand], repository: Repository, head: str) -> str:
    """The id of the tree of this commit with what the errands without a reply ask for, and nothing else changed.

    Raises: TimeoutError, OSError, Damaged.
    """
    edits = {errand.path: errand.target for errand in errands if errand.reply is None}
    folders = _folders({above for path in edits for above in _above(path)}, repository, head)
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


def _is_state(state: State) -> bool:
    tree = settings_of(state).get("tree")
    return set(settings_of(state)) == {"tree"} and isinstance(tree, str) and bool(not tree or _ID.fullmatch(tree))


def _above(path: str) -> list[str]:
    """The folders that a path lies in."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _compare(errand: Errand, there: Mapping[str, Entry]) -> Errand:
    if errand.reply is not None:
        return errand
    now = state_of(there.get(errand.path))
    if same(now, errand.change.after):
        return replace(errand, reply=Reply.ACCEPTED)
    if not same(now, errand.change.before):
        return errand.refused(f"this path was changed in the meantime, and holds {short(str(now['tree']))} now")
    blocked = next((above for above in _above(errand.path) if above in there and there[above].mode != TREE), "")
    if blocked:
        return errand.refused(f"{blocked} is no folder any more, and nothing but this path may be changed")
    return errand


def _fit(errand: Errand, held: Mapping[str, Entry], near: Mapping[str, str]) -> Errand:
    """Refuses what is no longer there to be put back, and what another change of the batch would touch too."""
    if errand.reply is not None:
        return errand
    if errand.path in near:
        return errand.refused(f"{near[errand.path]} is changed together with it, and one lies inside the other")
    if errand.tree and errand.path not in held:
        return errand.refused("the revision that held it is no longer in the repository", GONE)
    return replace(errand, target=held.get(errand.path))


def _near(paths: Sequence[str]) -> dict[str, str]:
    """Paths that another one lies inside of, or that lie inside another one, each with that one."""
    found: dict[str, str] = {}
    known = set(paths)
    for path in paths:
        for above in known.intersection(_above(path)):
            found |= {path: above, above: path}
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
