"""A batch of changes on its way to HAProxy: what is to be sent, what was answered, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from incidents.adapters import haproxy_servers as servers
from incidents.adapters.haproxy_servers import Reading
from incidents.adapters.haproxy_socket import NotConnected, lines_of
from incidents.domain.changes import Change, Receipt, Reply, State, same

# Sends a line of commands; see `RuntimeApi.ask`.
Ask = Callable[[Sequence[str]], list[str]]
DONE = ""


@dataclass(slots=True)
class Errand:
    """One change.

    Args:
        change: what is asked for.
        now: what the server was when the batch began.
        commands: none, one or two, in their order.
        back: takes the first of them back.
        verdict: known without asking.
        sent: how many of the commands were sent, perhaps.
        answers: to them, in order; shorter than `sent` where none came.
        taken_back: the second was refused, and HAProxy said yes to `back`.
    """

    change: Change
    now: State | None = None
    commands: Sequence[str] = ()
    back: str = ""
    verdict: Receipt | None = None
    sent: int = 0
    answers: list[str] = field(default_factory=list)
    taken_back: bool = False

    @property
    def refused(self) -> str:
        """What HAProxy said against one of the commands; empty where it said nothing against them."""
        return next((answer for answer in self.answers if answer != DONE), "")


def errands_of(changes: Sequence[Change], reading: Reading) -> list[Errand]:
    """One a change; what is refused here is without effect, and what is so already needs no command."""
    return [_errand(change, reading) for change in changes]


def send(errands: Sequence[Errand], ask: Ask) -> None:
    """Sends first commands, then the second ones of those whose first was done; ends at the first lost connection."""
    try:
        first = [errand for errand in errands if errand.commands]
        _send_all(first, [errand.commands[0] for errand in first], ask)
        second = [errand for errand in first if len(errand.commands) > 1 and errand.answers == [DONE]]
        _send_all(second, [errand.commands[1] for errand in second], ask)
        # A half of a change is none: what closed a server that may not have its new weight opens it again.
        halves = [errand for errand in second if errand.refused]
        for part in lines_of([errand.back for errand in halves]):
            for errand, answer in zip(halves[part], ask([one.back for one in halves[part]]), strict=False):
                errand.taken_back = answer == DONE
    except OSError:
        # What was not answered, or not sent, is told apart by the receipts.
        return


def receipt(errand: Errand, after: Reading | None) -> Receipt:
    """What is told of one change.

    Args:
        after: what is once everything was sent; None where nobody could look.
    """
    key = errand.change.key
    if errand.verdict:
        return errand.verdict
    if not errand.sent:
        return Receipt(key, Reply.NOT_SENT, "the connection was lost before this was sent")
    if after is None:
        return Receipt(key, *_unseen(errand))
    state = after.states.get(key)
    if state is None:
        return Receipt(key, Reply.UNANSWERED, "HAProxy has no such server any more")
    if same(state, errand.change.after):
        return Receipt(key, Reply.ACCEPTED)
    if errand.refused and errand.now is not None and same(state, errand.now):
        return Receipt(key, Reply.REFUSED, servers.words(errand.refused))
    said = servers.words(errand.refused) or _silence(errand)
    return Receipt(key, Reply.UNANSWERED, f"{said}; this server is {servers.describe(state)} now")


def _errand(change: Change, reading: Reading) -> Errand:
    key, after = change.key, change.after
    try:
        servers.check_writable(after)
    except ValueError as error:
        return Errand(change, verdict=Receipt(key, Reply.REFUSED, f"not sent: {error}"))
    _, why = servers.refusal(key, after, reading)
    if why:
        return Errand(change, verdict=Receipt(key, Reply.REFUSED, f"not sent: {why}"))
    now = reading.states[key]
    if same(now, after):
        return Errand(change, verdict=Receipt(key, Reply.ACCEPTED))
    if not same(now, change.before):
        text = f"not sent: this server was changed in the meantime, and is {servers.describe(now)} now"
        return Errand(change, verdict=Receipt(key, Reply.REFUSED, text))
    commands, back = servers.commands(key, now, after)
    return Errand(change, now, commands, back)


def _send_all(errands: Sequence[Errand], commands: Sequence[str], ask: Ask) -> None:
    for part in lines_of(commands):
        for errand in errands[part]:
            errand.sent += 1
        try:
            answers = ask(commands[part])
        except NotConnected:
            for errand in errands[part]:
                errand.sent -= 1
            raise
        # Where answers are missing nobody knows what became of the commands that they were for.
        for errand, answer in zip(errands[part], answers, strict=False):
            errand.answers.append(answer)


def _unseen(errand: Errand) -> tuple[Reply, str]:
    """Nobody could look afterwards, so the answers are all that there is."""
    if errand.answers == [DONE] * len(errand.commands):
        return Reply.ACCEPTED, "it could not be read back"
    if errand.refused and (len(errand.answers) == 1 or errand.taken_back):
        return Reply.REFUSED, servers.words(errand.refused)
    return Reply.UNANSWERED, servers.words(errand.refused) or _silence(errand)


def _silence(errand: Errand) -> str:
    if len(errand.answers) < errand.sent:
        return "no answer came"
    if len(errand.answers) < len(errand.commands):
        return "only a part of this was sent"
    return "HAProxy said yes to this"
