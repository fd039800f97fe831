"""What the kind `git` compares and puts back: whatever stands at a path, known by its id, from the branch's history."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from incidents.adapters.git_batch import GONE, Errand, above, apart, with_room
from incidents.adapters.git_repository import Entry, Repository
from incidents.adapters.git_words import short
from incidents.domain.changes import Change, Reply, State, same, settings_of

_ID = re.compile(r"[0-9a-f]{40}")


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
    there = repository.entries(head, [*paths, *(folder for path in paths for folder in above(path))])
    compared = apart([_compare(errand, there) for errand in errands])
    wanted = {errand.path: _wanted(errand) for errand in compared if errand.reply is None and _wanted(errand)}
    held = repository.held(head, wanted)
    return [_fit(errand, held) for errand in compared]


def _is_state(state: State) -> bool:
    tree = settings_of(state).get("tree")
    return set(settings_of(state)) == {"tree"} and isinstance(tree, str) and bool(not tree or _ID.fullmatch(tree))


def _wanted(errand: Errand) -> str:
    """The id that shall stand at the path; empty for nothing."""
    return str(errand.change.after["tree"])


def _compare(errand: Errand, there: Mapping[str, Entry]) -> Errand:
    if errand.reply is not None:
        return errand
    now = state_of(there.get(errand.path))
    if same(now, errand.change.after):
        return replace(errand, reply=Reply.ACCEPTED)
    if not same(now, errand.change.before):
        return errand.refused(f"this path was changed in the meantime, and holds {short(str(now['tree']))} now")
    return with_room(errand, there)


def _fit(errand: Errand, held: Mapping[str, Entry]) -> Errand:
    """Refuses what is no longer there to be put back."""
    if errand.reply is not None:
        return errand
    if _wanted(errand) and errand.path not in held:
        return errand.refused("the revision that held it is no longer in the repository", GONE)
    return replace(errand, target=held.get(errand.path))
