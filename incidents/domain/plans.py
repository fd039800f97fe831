"""Plans: every change in stages, frozen as canonical JSON, named by its SHA-256 digest."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from incidents.domain.canonical import JsonObject, decode, encode
from incidents.domain.changes import Change
from incidents.domain.terms import Terms, read_terms

# DESIGN section 4.3: a preview that a person has read holds for this long.
VALID_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be changed, by which right, and until when it may be started.

    Args:
        action: name in the catalogue, and its version: a worker with another version does not guess.
        organization: slug.
        person: username of who proposed it.
        preapproval: digest of the preapproval at that time, and `terms` what it said.
        changes: every change; targets refer to them by index.
        stages: indices of changes, wave by wave; each index stands in exactly one stage.
        left_out: slugs of locations that did not answer and are tolerated.
        undo_of: id of the run that this one puts back; empty otherwise.
        percents: how far each stage leads, where stages are steps of one way; empty otherwise.
        hand_back: seconds after which what was changed is put back by itself; 0 where it stays.
        handing_back: whether this is such a putting back, which was agreed to with the run that it undoes.
        second_person: why a second person must agree before it runs (`domain.approvals.Why`); empty when none must.
        consent: id of the caller's consent by which somebody of the operator acts; empty where a customer acts.
        rescue: whether it repairs; what does not counts as damage, with a smaller budget (`domain.blast_radius`).
        overridden: codes of guards that the person overrides by name.
    """

    action: str
    action_version: int
    organization: str
    person: str
    preapproval: str
    terms: Terms
    changes: tuple[Change, ...]
    stages: tuple[tuple[int, ...], ...]
    left_out: tuple[str, ...]
    proposed_at: datetime
    expires_at: datetime
    undo_of: str = ""
    percents: tuple[int, ...] = ()
    hand_back: int = 0
    handing_back: bool = False
    second_person: tuple[str, ...] = ()
    consent: str = ""
    rescue: bool = True
    overridden: tuple[str, ...] = ()

    def freeze(self) -> tuple[bytes, str]:
        """The canonical bytes and their digest, which preview, approval and execution share."""
        body = encode(self._as_json())
        return body, hashlib.sha256(body).hexdigest()

    def _as_json(self) -> JsonObject:
        return {
            "v": 1,
            "action": self.action,
            "action_version": self.action_version,
            "organization": self.organization,
            "person": self.person,
            "preapproval": self.preapproval,
            "terms": self.terms.as_json(),
            "changes": [change.as_json() for change in self.changes],
            "stages": [list(stage) for stage in self.stages],
            "left_out": list(self.left_out),
            "proposed_at": self.proposed_at.isoformat(),
            "expires_at": self.expires_at.isoformat(),
            "undo_of": self.undo_of,
            "percents": list(self.percents),
            "hand_back": self.hand_back,
            "handing_back": self.handing_back,
            "second_person": list(self.second_person),
            "consent": self.consent,
            "rescue": self.rescue,
            "overridden": list(self.overridden),
        }


@lru_cache(maxsize=32)
def thaw(body: bytes, digest: str) -> Plan:
    """The plan behind stored bytes. Kept for a while: a run reads the same plan at every pass.

    Raises ValueError when the bytes are not those that the digest names.
    """
    if hashlib.sha256(body).hexdigest() != digest:
        raise ValueError("the stored plan is not the one that was shown: its digest differs")
    value = _object(decode(body))
    return Plan(
        action=str(value["action"]),
        action_version=_integer(value["action_version"]),
        organization=str(value["organization"]),
        person=str(value["person"]),
        preapproval=str(value["preapproval"]),
        terms=read_terms(_object(value["terms"])),
        changes=tuple(Change.from_json(_object(item)) for item in _items(value["changes"])),
        stages=tuple(tuple(_integer(index) for index in _items(stage)) for stage in _items(value["stages"])),
        left_out=tuple(str(item) for item in _items(value["left_out"])),
        proposed_at=datetime.fromisoformat(str(value["proposed_at"])),
        expires_at=datetime.fromisoformat(str(value["expires_at"])),
        undo_of=str(value["undo_of"]),
        percents=tuple(_integer(item) for item in _items(value["percents"])),
        hand_back=_integer(value["hand_back"]),
        handing_back=value["handing_back"] is True,
        second_person=tuple(str(item) for item in _items(value["second_person"])),
        consent=str(value["consent"]),
        rescue=value["rescue"] is True,
        overridden=tuple(str(item) for item in _items(value["overridden"])),
    )


def stage_out(
    changes: Sequence[Change], locations: Sequence[str], waves: Sequence[str], staging: Collection[str] = ()
) -> tuple[tuple[int, ...], ...]:
    """Divides changes into stages, location by location.

    Args:
        changes: in the order of the plan.
        locations: slugs in the order in which they are visited.
        staging: those where nobody is hurt; they come first, in a stage of their own that the waves do not count.
        waves: how many locations are reached after each stage: `1`, `25%`, `100%`. Waves that add none vanish;
            whatever is left after the last one is one more stage, so nothing is lost by a short list.
    """
    present = {change.location for change in changes}
    first = present & set(staging)
    used = [slug for slug in locations if slug in present - first] + sorted(present - set(locations) - first)
    stages = [tuple(index for index, change in enumerate(changes) if change.location in first)] if first else []
    reached = 0
    for wave in [*waves, "100%"]:
        goal = min(len(used), _locations_of(wave, len(used)))
        if goal > reached:
            names = set(used[reached:goal])
            stages.append(tuple(index for index, change in enumerate(changes) if change.location in names))
            reached = goal
    return tuple(stages)


def _locations_of(wave: str, total: int) -> int:
    """How many locations a wave reaches; a share is rounded up, and never to none."""
    return math.ceil(total * int(wave[:-1]) / 100) if wave.endswith("%") else int(wave)


def _object(value: object) -> JsonObject:
    if not isinstance(value, dict):
        raise ValueError("a JSON object was expected")
    return value


def _items(value: object) -> Sequence[object]:
    if not isinstance(value, list):
        raise ValueError("a list was expected")
    return value


def _integer(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError("a number was expected")
    return value
