"""What HAProxy tells of its servers, as states; and the commands that lead from one state to another.

State:   {"weight": 0..256, "mode": "ready" | "drain" | "maint"}
Status:  {"label", "ready"?, "locked"?, "managed_by"?}; see `incidents.domain.changes`.

The source of every number here is the management guide of HAProxy, `show servers state`, version 1 of its format.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from incidents.domain.canonical import Json
from incidents.domain.changes import STATUS, State, settings_of, status_of
from incidents.domain.errors import InventoryFault

HEAVIEST = 256
LONGEST_NAME = 200
LONGEST_WORDS = 200
# How far open a server is: a change to a higher place opens it.
MODES = {"maint": 0, "drain": 1, "ready": 2}
SHOW = "show servers state"

# Bits of srv_admin_state. 0x40 only marks that the host name was set over the socket; that closes nothing.
FORCED_MAINT, INHERITED_MAINT, CONFIGURED_MAINT, FORCED_DRAIN, INHERITED_DRAIN, UNRESOLVED = 1, 2, 4, 8, 16, 32
# Values of srv_op_state; 1 is warming up, which takes traffic; 3 is on its way out.
STOPPED, STARTING, RUNNING, STOPPING = 0, 1, 2, 3
# Values of srv_check_status up to this one: no check has ended. (srv_check_result is 0 during every single check.)
NEVER_CHECKED = 1
# Bits of srv_check_state and srv_agent_state: there is such a check, and it is switched on.
CHECKING = 2 | 4

_KEY = re.compile(r"[A-Za-z0-9_.:-]+/[A-Za-z0-9_.:-]+")
_COLUMNS = ("srv_op_state", "srv_admin_state", "srv_uweight", "srv_check_status", "srv_check_state", "srv_agent_state")


class NotUnderstood(ValueError):
    """The answer is no list of servers; the text is what HAProxy said instead."""


@dataclass(frozen=True, slots=True)
class Reading:
    """All servers at one moment.

    Args:
        text: as HAProxy wrote it, which is what its server-state file holds.
        states: `BACKEND/SERVER` -> what it is.
        marked: those that the configuration starts in maintenance, whatever they are now.
    """

    text: str
    states: Mapping[str, State]
    marked: frozenset[str]

    def settings(self) -> dict[str, State]:
        return {key: settings_of(state) for key, state in self.states.items()}


def normalize_key(key: str) -> str:
    """`BACKEND/SERVER` as it is, for HAProxy tells upper case from lower. Raises InventoryFault.

    What passes here holds none of the letters that part commands, words or lines for HAProxy.
    """
    if not _KEY.fullmatch(key) or len(key) > LONGEST_NAME:
        raise InventoryFault(
            f"{key[:LONGEST_NAME]!r} must be BACKEND/SERVER, each of letters, digits and _ . : -, "
            f"{LONGEST_NAME} characters at most"
        )
    return key


def read(answer: str) -> Reading:
    """Every server in the answer to `SHOW`. Raises NotUnderstood."""
    lines = answer.split("\n")
    if lines[0] != "1" or len(lines) < 2 or not lines[1].startswith("# "):
        raise NotUnderstood(words(answer))
    header = lines[1][2:].split()
    states: dict[str, State] = {}
    marked: set[str] = set()
    for line in lines[2:]:
        row = dict(zip(header, line.split(" "), strict=False))
        try:
            key = f"{row['be_name']}/{row['srv_name']}"
            numbers = [int(row[column]) for column in _COLUMNS]
        except (KeyError, ValueError):
            raise NotUnderstood(words(line)) from None
        states[key] = _state(*numbers)
        if numbers[1] & CONFIGURED_MAINT:
            marked.add(key)
    return Reading(f"{answer}\n\n", states, frozenset(marked))


def describe(state: State) -> str:
    """A state in words for people."""
    lead = {"drain": "drained, ", "maint": "in maintenance, "}.get(str(state.get("mode")), "")
    return f"{lead}weight {state.get('weight')}"


def check_writable(state: State) -> None:
    """Raises ValueError unless this is exactly a state that can be written."""
    wanted = settings_of(state)
    if set(wanted) != {"weight", "mode"}:
        raise ValueError("a server has a weight and a mode, and nothing else")
    weight = wanted["weight"]
    if isinstance(weight, bool) or not isinstance(weight, int) or not 0 <= weight <= HEAVIEST:
        raise ValueError(f"the weight must be a whole number from 0 to {HEAVIEST}")
    if wanted["mode"] not in MODES:
        raise ValueError(f"the mode must be one of {', '.join(MODES)}")


def refusal(key: str, after: State, reading: Reading) -> tuple[str, str]:
    """Why this server is not to be brought to `after`, as (code, sentence); two empty texts where it is."""
    state = reading.states.get(key)
    if state is None:
        return "backend.no-such-key", f"HAProxy has no server {key}; it may have been renamed in its configuration."
    locked = status_of(state).get("locked")
    if locked and settings_of(state) != settings_of(after):
        return "backend.locked", f"{key} cannot be changed here. {locked}"
    if key in reading.marked and after.get("mode") == "maint" and state.get("mode") != "maint":
        # It would look the same as before anybody opened it, and we would refuse to open it again.
        return (
            "backend.locked",
            f"{key} starts in maintenance by its configuration, so ours could not be taken back. Drain it.",
        )
    return "", ""


def commands(key: str, now: State, after: State) -> tuple[list[str], str]:
    """What leads from one state to the other, at most two commands, and what takes the first of them back.

    Whoever opens sets the weight first and whoever closes shuts first, so no server ever takes a share that is
    neither its old one nor its new one.
    """
    heavier, opener = f"set server {key} weight", f"set server {key} state"
    steps = []
    if now["weight"] != after["weight"]:
        steps.append((f"{heavier} {after['weight']}", f"{heavier} {now['weight']}"))
    if now["mode"] != after["mode"]:
        step = (f"{opener} {after['mode']}", f"{opener} {now['mode']}")
        opens = MODES[str(after["mode"])] > MODES[str(now["mode"])]
        steps.insert(len(steps) if opens else 0, step)
    return [command for command, _ in steps], steps[0][1] if steps else ""


def words(answer: str) -> str:
    """What HAProxy said, as one line that is safe to show."""
    line = " ".join(answer.split())
    return "".join(letter if letter.isprintable() else "?" for letter in line)[:LONGEST_WORDS]


def _state(operation: int, admin: int, weight: int, outcome: int, check: int, agent: int) -> State:
    mode = "ready"
    if admin & (FORCED_MAINT | INHERITED_MAINT | UNRESOLVED):
        mode = "maint"
    elif admin & (FORCED_DRAIN | INHERITED_DRAIN):
        mode = "drain"
    state: dict[str, Json] = {"weight": weight, "mode": mode}
    status: dict[str, Json] = {"label": describe(state)}
    locked = _locked(admin)
    if locked:
        status["locked"] = locked
    if agent & CHECKING == CHECKING:
        status["managed_by"] = "the agent check of this server"
    if mode != "maint":
        # A server counts as running until its first check has an end, and for ever where it has none.
        if operation in (STOPPED, STOPPING):
            status["ready"] = False
        elif check & CHECKING == CHECKING and outcome > NEVER_CHECKED:
            status["ready"] = True
    state[STATUS] = status
    return state


def _locked(admin: int) -> str:
    if admin & UNRESOLVED:
        return "HAProxy cannot find the address of this server, and keeps it in maintenance until it can."
    if admin & FORCED_MAINT and admin & CONFIGURED_MAINT:
        return "The configuration of HAProxy keeps this server in maintenance."
    if admin & (INHERITED_MAINT | INHERITED_DRAIN):
        return "This server follows another one, which is closed; change that one."
    return ""
