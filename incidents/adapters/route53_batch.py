"""What is asked of Route 53 to bring a record set from one state to another, and how much of it goes into one request.

A member that becomes another is taken away and made anew in the same batch, not overwritten (UPSERT): a DELETE whose
values are not those that Route 53 has, and a CREATE of what is there already, make it refuse the whole batch. That is
its compare, so nothing that came between our look and our request is ever overwritten. "Route 53 either makes all or
none of the changes in a change batch": nobody is answered from half of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from incidents.adapters.route53_keys import Key
from incidents.adapters.route53_members import Member
from incidents.adapters.route53_xml import Edit
from incidents.domain.changes import Cause

# "Quotas", Developer Guide: of one request, the most ResourceRecord elements (an alias is one), and signs of Value.
MOST_RECORDS = 1000
MOST_SIGNS = 32000
# The shape ResourceDescription of the service model.
LONGEST_COMMENT = 256


@dataclass(frozen=True, slots=True)
class Move:
    """One change of a batch: its place there, its key, and what is asked for."""

    at: int
    key: Key
    edits: Sequence[Edit]

    @property
    def size(self) -> tuple[int, int]:
        """Records, and signs of their values."""
        records = sum(max(1, len(edit.member.records)) for edit in self.edits)
        return records, sum(len(record) for edit in self.edits for record in edit.member.records)

    @property
    def is_too_large(self) -> bool:
        records, signs = self.size
        return records > MOST_RECORDS or signs > MOST_SIGNS


def edits_of(key: Key, now: Sequence[Member], wanted: Sequence[Member]) -> Sequence[Edit]:
    """What leads from what was read to what is wanted; members that are as they should be are not touched.

    What goes is named before what comes, for the two may exclude each other.
    """
    # As read, not as meant: of weights that are all zero none may stay when one of them becomes another.
    there = {one.id: one.as_json() for one in now}
    kept = {one.id for one in wanted if there.get(one.id) == one.as_json()}
    gone = [Edit("DELETE", key.name, key.type, one) for one in now if one.id not in kept]
    made = [Edit("CREATE", key.name, key.type, one) for one in wanted if one.id not in kept]
    return [*gone, *made]


def split(moves: Iterable[Move]) -> Sequence[Sequence[Move]]:
    """The moves of one zone in as few requests as there have to be; no move is torn apart."""
    batches: list[list[Move]] = []
    records = signs = 0
    for move in moves:
        more_records, more_signs = move.size
        records, signs = records + more_records, signs + more_signs
        if not batches or records > MOST_RECORDS or signs > MOST_SIGNS:
            batches.append([])
            records, signs = more_records, more_signs
        batches[-1].append(move)
    return batches


def comment_of(cause: Cause) -> str:
    """Who and why, as AWS keeps it with the change: one line of ASCII, for a comment must not make it refuse."""
    if not cause.run:
        return ""
    reason = " ".join(cause.reason.split())
    words = f"{cause.run} by {cause.person or 'handrail'}" + (f": {reason}" if reason else "")
    ascii_only = "".join(sign if sign.isascii() and sign.isprintable() else "?" for sign in words)
    return ascii_only[:LONGEST_COMMENT]
