"""What the kind `git-document` compares and puts back: the text of a file, which the change itself holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from incidents.adapters.git_batch import Errand, above, apart, with_room
from incidents.adapters.git_repository import FILE, LINK, SUBMODULE, TREE, Entry, Repository
from incidents.domain.changes import (
    STATUS,
    Change,
    Reply,
    State,
    is_unreadable,
    same,
    settings_of,
    status_of,
    unreadable,
)
from incidents.domain.keysets import keys_in

ABSENT: State = {"document": None}
# Under this stands the id of a file whose text is not told.
UNREAD = "unread"
LARGEST = 256 * 1024
_NO_FILES = {TREE: "a folder", LINK: "a link", SUBMODULE: "a submodule"}


class Holds(StrEnum):
    """What the documents of one backend are."""

    TEXT = "text"
    PUBLIC_KEYS = "public-keys"


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents of one backend, by the rules for what they hold."""

    holds: Holds

    def read(self, repository: Repository, there: Mapping[str, Entry], paths: Sequence[str]) -> dict[str, State]:
        """What stands at each of these paths.

        Args:
            there: the entries of these paths, where there are any.

        Raises: TimeoutError, OSError, Damaged.
        """
        files = {there[path].object for path in paths if path in there and there[path].mode not in _NO_FILES}
        held = repository.blobs(files, LARGEST) if files else {}
        return {path: self._state(path, there.get(path), held) for path in paths}

    def errands_of(self, changes: Sequence[Change]) -> list[Errand]:
        """One a change, in order; what may never be written is refused here, without asking anybody."""
        faults = [self._fault_of_state(change.after) for change in changes]
        return [
            Errand(change).refused(fault) if fault else Errand(change)
            for change, fault in zip(changes, faults, strict=True)
        ]

    def weigh(self, errands: Sequence[Errand], repository: Repository, head: str) -> list[Errand]:
        """The same, compared with what stands at their paths in this commit; their files are laid into our copy.

        Raises: TimeoutError, OSError, Damaged.
        """
        paths = [errand.path for errand in errands]
        there = repository.entries(head, [*paths, *(folder for path in paths for folder in above(path))])
        now = self.read(repository, there, paths)
        compared = apart([_compare(errand, now[errand.path], there) for errand in errands])
        mine = [errand for errand in compared if errand.reply is None]
        ids = iter(repository.write([str(errand.change.after["document"]).encode() for errand in mine]) if mine else ())
        return [
            errand
            if errand.reply
            else replace(errand, target=Entry(there[errand.path].mode if errand.path in there else FILE, next(ids)))
            for errand in compared
        ]

    def _state(self, path: str, entry: Entry | None, held: Mapping[str, bytes]) -> State:
        if entry is None:
            # Nobody's good state: it could never be put back.
            return {**ABSENT, STATUS: {"settled": False, "problem": f"there is no {path}"}}
        try:
            text = _text(entry, held)
            return {"document": text, STATUS: self._told(path, text)}
        except ValueError as why:
            text = f"{path} is not read: {why}"
        if entry.mode in _NO_FILES:
            return unreadable(text)
        # Broken, too large, or with something private in it: by its name alone it can be told from any other, and so be
        # replaced by what is right.
        return {UNREAD: entry.object, STATUS: {"settled": False, "problem": text}}

    def _told(self, path: str, text: str) -> Mapping[str, bool | str]:
        """Raises ValueError for what is no document here."""
        if _is_blank(text):
            return {"settled": False, "problem": f"{path} is empty"}
        count = len(self._check(text))
        return {"label": f"{count} key{'s' if count != 1 else ''}"} if count else {}

    def _check(self, text: str) -> Sequence[object]:
        """The keys in it, where it is to hold keys. Raises ValueError for what is no document here."""
        if "\0" in text:
            raise ValueError("it holds a NUL, so it is no text")
        return keys_in(text) if self.holds is Holds.PUBLIC_KEYS else ()

    def _fault_of_state(self, after: State) -> str:
        """Why this may not be written; empty where it may. Nothing of the document is in it."""
        text = settings_of(after).get("document")
        if set(settings_of(after)) != {"document"} or not isinstance(text, str):
            return "this is no state of a document that could be put back"
        try:
            if _is_blank(text):
                raise ValueError("it is empty")
            if len(text.encode()) > LARGEST:
                raise ValueError(f"it is larger than {LARGEST // 1024} KiB")
            self._check(text)
        except UnicodeEncodeError:
            return "this document is not written, for it is no Unicode text"
        except ValueError as why:
            return f"this document is not written, for {why}"
        return ""


def labelled_by(state: State, label: str) -> State:
    return {**state, STATUS: {**status_of(state), "label": label}} if label else state


def _text(entry: Entry, held: Mapping[str, bytes]) -> str:
    """Raises ValueError, in words."""
    if entry.mode in _NO_FILES:
        raise ValueError(f"it is {_NO_FILES[entry.mode]}, and no file")
    if entry.object not in held:
        raise ValueError(f"it is larger than {LARGEST // 1024} KiB")
    try:
        return held[entry.object].decode()
    except UnicodeDecodeError:
        raise ValueError("it is no text in UTF-8") from None


def _is_blank(text: str) -> bool:
    return not text.replace("\ufeff", "").strip()


def _compare(errand: Errand, now: State, there: Mapping[str, Entry]) -> Errand:
    if errand.reply is not None:
        return errand
    if is_unreadable(now):
        return errand.refused(str(status_of(now)["problem"]))
    if same(now, errand.change.after):
        return replace(errand, reply=Reply.ACCEPTED)
    if not same(now, errand.change.before):
        gone = ", and is gone" if ABSENT.items() <= now.items() else ""
        return errand.refused(f"this file was changed in the meantime{gone}")
    return with_room(errand, there)
