"""GoBGP 3 by gRPC: the prefixes that a router announces by itself, in its global table.

What the daemon does, tried with 3.10: AddPathStream takes each message whole or not at all, and ends at the first
bad one without saying which; announcing a prefix again replaces its path; deleting an absent one is answered with OK.
An announcement is not kept over a restart of the daemon.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Self

import grpc

from incidents.adapters import gobgp_paths as paths
from incidents.adapters.base import check_batch
from incidents.adapters.gobgp_api import gobgp_pb2 as api
from incidents.adapters.gobgp_api.gobgp_pb2_grpc import GobgpApiStub
from incidents.adapters.gobgp_channel import SharedChannel
from incidents.adapters.prefixes import exact_prefix
from incidents.domain.changes import Cause, Change, Receipt, Reply, State
from incidents.domain.errors import AdapterError, BackendRefused, BackendTimeout, BackendUnreachable
from incidents.domain.findings import Finding
from incidents.wire.deadline import Deadline
from incidents.wire.settings import Settings, fault, host_and_port

PATHS_IN_A_MESSAGE = 100
LONGEST_DETAIL = 200
SETTINGS = frozenset({"address", "tls", "tls_ca", "tls_certificate", "tls_key", "tls_name"})

# The server looked at the request and said no.
_REFUSALS = frozenset(
    {
        grpc.StatusCode.UNKNOWN,  # every plain error of GoBGP's handlers, such as "nexthop not found"
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
)
# The server refused before its handler saw anything.
_NEVER_BEGUN = frozenset(
    {grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED}
)


class GoBgp:
    """An `Adapter` whose keys are canonical prefixes; states are described in `gobgp_paths`.

    Args:
        name: slug of the backend, for messages.
        channel: the connection, not yet made.
        keys: the prefixes that the inventory binds to this backend.
        budget_seconds: the longest that one call may take, connecting included.
    """

    def __init__(self, *, name: str, channel: SharedChannel, keys: frozenset[str], budget_seconds: float) -> None:
        self._name, self._channel, self._keys, self._budget = name, channel, keys, budget_seconds

    @classmethod
    def from_settings(
        cls,
        *,
        name: str,
        settings: Mapping[str, object],
        secret: Callable[[str], str],
        keys: frozenset[str],
        budget_seconds: float,
    ) -> Self:
        """Raises InventoryFault for a setting that is unknown, missing or ill-typed; see docs/backends/."""
        given = Settings.of(settings, SETTINGS)
        address = given.text("address")
        host_and_port("address", address)
        tls_name = given.text("tls_name") if given.has("tls_name") else ""
        channel = SharedChannel(address, _credentials(given, secret), tls_name)
        return cls(name=name, channel=channel, keys=keys, budget_seconds=budget_seconds)

    @staticmethod
    def normalize_key(key: str) -> str:
        """See `prefixes.exact_prefix`."""
        return exact_prefix(key)

    def observe(self, keys: Sequence[str]) -> Mapping[str, State]:
        check_batch(keys, self._keys, self._name)
        deadline = Deadline(self._budget)
        found: dict[str, State] = dict.fromkeys(keys, paths.ABSENT)
        with self._channel.use() as channel:
            try:
                for request in paths.lookups(found):
                    for answer in _stub(channel).ListPath(request, timeout=deadline.left()):
                        _note(answer.destination, found)
            except (grpc.RpcError, TimeoutError) as error:
                self._channel.retire(channel)
                raise self._not_learned(error) from error
        return found

    def rehearse(self, changes: Sequence[Change]) -> Sequence[Finding]:
        """GoBGP cannot pretend; `changes` are not looked at."""
        return []

    def apply(self, changes: Sequence[Change], cause: Cause) -> Sequence[Receipt]:
        """Announcements in one stream, then withdrawals one by one; absolute, so the idempotency key is not needed.

        A state that could not be written exactly is refused here, before anything is sent.
        """
        check_batch([change.key for change in changes], self._keys, self._name)
        batch = _Batch(changes)
        if not batch.announced and not batch.withdrawn:
            return batch.receipts()
        deadline = Deadline(self._budget)
        with self._channel.use() as channel:
            try:
                stub = _stub(channel)
                if not _answers(stub, changes[0].key, deadline):
                    self._channel.retire(channel)
                    return batch.receipts(Reply.NOT_SENT, f"{self._name} does not answer")
                if self._announce(stub, batch, deadline):
                    self._withdraw(stub, batch, deadline)
            except TimeoutError:
                return batch.receipts(Reply.NOT_SENT, f"{self._name} was not asked: no time was left")
            finally:
                if batch.lost:
                    self._channel.retire(channel)
        return batch.receipts(Reply.NOT_SENT, f"the connection to {self._name} was lost before this was sent")

    def close(self) -> None:
        self._channel.close()

    def _announce(self, stub: GobgpApiStub, batch: _Batch, deadline: Deadline) -> bool:
        """Sends the stream; False when the connection is of no use any more."""
        if not batch.announced:
            return True
        places, sent = list(batch.announced), list(batch.announced.values())
        messages = [
            api.AddPathStreamRequest(table_type=api.GLOBAL, paths=sent[start : start + PATHS_IN_A_MESSAGE])
            for start in range(0, len(sent), PATHS_IN_A_MESSAGE)
        ]
        try:
            stub.AddPathStream(iter(messages), timeout=deadline.left())
        except grpc.RpcError as error:
            reply = _reply_to(error)
            if reply is Reply.REFUSED and len(messages) > 1 and error.code() not in _NEVER_BEGUN:
                # Messages before the refused one were done, and the stream does not say which one it was.
                batch.answer(places, Reply.UNANSWERED, f"refused in the middle of a stream: {_detail(error)}")
                return True
            batch.answer(places, reply, _detail(error))
            return reply is Reply.REFUSED
        batch.answer(places, Reply.ACCEPTED)
        return True

    def _withdraw(self, stub: GobgpApiStub, batch: _Batch, deadline: Deadline) -> None:
        if not batch.withdrawn:
            return
        left = deadline.left()
        calls = {place: stub.DeletePath.future(request, timeout=left) for place, request in batch.withdrawn.items()}
        for place, call in calls.items():
            try:
                call.result()
            except grpc.RpcError as error:
                batch.answer([place], _reply_to(error), _detail(error))
            else:
                batch.answer([place], Reply.ACCEPTED)

    def _not_learned(self, error: grpc.RpcError | TimeoutError) -> AdapterError:
        if isinstance(error, TimeoutError) or error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return BackendTimeout(f"{self._name} did not answer within {self._budget:g} s")
        if error.code() in _REFUSALS | _NEVER_BEGUN:
            return BackendRefused(f"{self._name} refused: {_detail(error)}")
        return BackendUnreachable(f"{self._name} could not be reached")


class _Batch:
    """What is to be sent for a batch of changes, by their places in it, and what came of each."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self.announced: dict[int, api.Path] = {}
        self.withdrawn: dict[int, api.DeletePathRequest] = {}
        self.lost = False
        self._keys = [change.key for change in changes]
        self._answered: dict[int, Receipt] = {}
        for place, change in enumerate(changes):
            try:
                if change.after == paths.ABSENT:
                    self.withdrawn[place] = paths.withdrawal(change.key)
                else:
                    self.announced[place] = paths.announcement(change.key, change.after)
            except ValueError as error:
                self.answer([place], Reply.REFUSED, f"not sent: {error}")

    def answer(self, places: Sequence[int], reply: Reply, detail: str = "") -> None:
        self.lost = self.lost or reply is Reply.UNANSWERED
        for place in places:
            self._answered[place] = Receipt(self._keys[place], reply, detail)

    def receipts(self, reply: Reply = Reply.NOT_SENT, detail: str = "") -> list[Receipt]:
        """One a change, in order; `reply` for those that nothing came of."""
        return [self._answered.get(place, Receipt(key, reply, detail)) for place, key in enumerate(self._keys)]


def _stub(channel: grpc.Channel) -> GobgpApiStub:
    return GobgpApiStub(channel)  # type: ignore[no-untyped-call]  # generated code bears no types


def _answers(stub: GobgpApiStub, key: str, deadline: Deadline) -> bool:
    """Whether the router answers at all, found out by a look-up that changes nothing.

    It is the difference between "certainly nothing was sent" and "perhaps done", which the status of a failed change
    does not tell: UNAVAILABLE stands for both. A refusal is an answer too.
    """
    try:
        list(stub.ListPath(paths.lookups([key])[0], timeout=deadline.left()))
    except grpc.RpcError as error:
        return error.code() in _REFUSALS | _NEVER_BEGUN
    return True


def _credentials(given: Settings, secret: Callable[[str], str]) -> grpc.ChannelCredentials | None:
    if not given.flag("tls"):
        for name in sorted(SETTINGS - {"address", "tls"}):
            if given.has(name):
                raise fault(name, "has no meaning without tls: true")
        return None
    if given.has("tls_key") != given.has("tls_certificate"):
        missing = "tls_certificate" if given.has("tls_key") else "tls_key"
        raise fault(missing, "is missing: a client certificate and its key go together")
    authority, key, certificate = (
        given.secret(name, secret).encode() if given.has(name) else None
        for name in ("tls_ca", "tls_key", "tls_certificate")
    )
    return grpc.ssl_channel_credentials(authority, key, certificate)


def _note(destination: api.Destination, found: dict[str, State]) -> None:
    key = destination.prefix if destination.prefix in found else str(ipaddress.ip_network(destination.prefix))
    ours = [path for path in destination.paths if paths.is_local(path)]
    if key in found and ours:
        found[key] = paths.state_of(ours[0])


def _reply_to(error: grpc.RpcError) -> Reply:
    # gRPC's core also says UNKNOWN for a stream that was cut, and nobody answered that.
    cut = error.code() is grpc.StatusCode.UNKNOWN and (error.details() or "").startswith("Stream removed")
    refused = error.code() in _REFUSALS | _NEVER_BEGUN and not cut
    return Reply.REFUSED if refused else Reply.UNANSWERED


def _detail(error: grpc.RpcError) -> str:
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return "no answer in time"
    if _reply_to(error) is Reply.UNANSWERED:
        return "the connection was lost before an answer came"
    return (error.details() or error.code().name)[:LONGEST_DETAIL]
