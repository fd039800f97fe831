"""A stand-in for Route 53: what moto leaves out of its rules, over real HTTP, and misbehaviour on demand."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from html import escape
from itertools import count
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote
from xml.etree.ElementTree import Element, fromstring

from tests.fakes.web import Answer, Request, Web

ACCESS, SECRET, SESSION = (
    "AKIAONLYFORTESTS0000",
    "only/for+tests/0123456789abcdefghijklmnop",
    "session//only+for+tests==",
)
ZONE, OTHER_ZONE = "Z0123456789ABC", "Z0OTHER"
NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/"
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><ListResourceRecordSetsResponse><ResourceRecordSets>&i;</ResourceRecordSets></ListResourceRecordSetsResponse>"
)
# (name, type, identifier) -> the elements of the record set after those, as Route 53 keeps them.
Records = dict[tuple[str, str, str], str]


class FakeRoute53:
    """Use it as a context; `put` record sets, set a mode for each method, look into `calls`, `batches` and `changes`.

    It refuses a signature that is not right, a DELETE whose values differ, a CREATE of what is there, weighted beside
    simple, members with different TTLs, what is protected, and a health check that it does not have: the whole batch.

    Modes: `ok`; `slow` (answers after `seconds`); `hang` (does nothing, never answers); `denied` (403, repeating the
    secrets); `signature` (403, repeating what was signed); `throttle`; `busy` (an earlier change of the zone is under
    way); `broken` (503, a page); `garbage` (200 with text); `bomb` (entities that grow); `lie` (says yes and does
    nothing); `drop_reply` (does it, then the connection is lost); `cut` (does nothing, and the connection is lost).

    `only` limits a mode to requests whose path holds it. `per_page` makes pages that long, `times` gives each
    that often.
    """

    def __init__(self) -> None:
        self.modes = {"GET": "ok", "POST": "ok"}
        self.only, self.seconds, self.per_page, self.times = "", 0.3, 300, 1
        self.zones: dict[str, Records] = {ZONE: {}, OTHER_ZONE: {}}
        self.protected: dict[tuple[str, str], str] = {}
        self.health_checks: set[str] = set()
        self.calls: list[tuple[str, str, dict[str, str]]] = []
        self.batches: list[list[tuple[str, str, str, str]]] = []
        self.comments: list[str] = []
        self.session = ""
        # Called between a look and a change.
        self.meanwhile: Callable[[], None] | None = None
        self._ids = count(1)
        self.web = Web(self._answer)

    def __enter__(self) -> Self:
        self.web.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.web.__exit__()

    def put(self, name: str, *records: str, id: str = "", kind: str = "A", zone: str = ZONE, **more: Any) -> None:
        """A member as an engineer would make it. Of `more`: weight, ttl, health_check, alias (zone, name), xml."""
        parts = [f"<Weight>{more['weight']}</Weight>"] if "weight" in more else []
        parts.append(more.get("xml", ""))
        if "alias" in more:
            to, at = more["alias"]
            parts.append(
                f"<AliasTarget><HostedZoneId>{to}</HostedZoneId><DNSName>{at}</DNSName>"
                "<EvaluateTargetHealth>true</EvaluateTargetHealth></AliasTarget>"
            )
        else:
            values = "".join(f"<ResourceRecord><Value>{escape(one, False)}</Value></ResourceRecord>" for one in records)
            parts.append(f"<TTL>{more.get('ttl', 60)}</TTL><ResourceRecords>{values}</ResourceRecords>")
        if more.get("health_check"):
            parts.append(f"<HealthCheckId>{more['health_check']}</HealthCheckId>")
        self.zones[zone][name, kind, id] = "".join(parts)

    def asked(self, method: str) -> int:
        return sum(call[0] == method for call in self.calls)

    def _answer(self, request: Request) -> Answer | None:
        self.calls.append((request.method, request.path, dict(request.query)))
        mode = self.modes.get(request.method, "ok") if self.only in request.path else "ok"
        if mode == "slow":
            self.web.ended.wait(self.seconds)
        if mode in ("hang", "cut"):
            if mode == "hang":
                self.web.ended.wait()
            return None
        refusal = _misbehave(mode, request) or _check_signature(request, self.session)
        if refusal is not None:
            return refusal
        answer = self._change(request, mode) if request.method == "POST" else self._look(request)
        return None if mode == "drop_reply" else answer

    def _look(self, request: Request) -> Answer:
        path, query = request.path, request.query
        if found := re.fullmatch(r"/2013-04-01/healthcheck/(.+)", path):
            if found[1] in self.health_checks:
                return _xml("<GetHealthCheckResponse/>")
            return _error(404, "NoSuchHealthCheck", f"A health check with id {found[1]} does not exist.")
        zone = self.zones.get(path.split("/")[3])
        if zone is None:
            return _error(404, "NoSuchHostedZone", "No hosted zone found with that id")
        if path.endswith("/rrsetprotection"):
            rows = "".join(
                f"<member><RecordName>{name}</RecordName><RecordType>{kind}</RecordType><Comment>{words}</Comment></member>"
                for (name, kind), words in self.protected.items()
            )
            inner = f"<ResourceRecordSetProtections>{rows}</ResourceRecordSetProtections>"
            return _xml(f"<ListResourceRecordSetProtectionsResponse>{inner}</ListResourceRecordSetProtectionsResponse>")
        start = _order((query["name"], query["type"], query.get("identifier", "")))
        after = sorted((one for one in zone if _order(one) >= start), key=_order)
        page, rest = after[: self.per_page], after[self.per_page :]
        rows = "".join(f"<ResourceRecordSet>{_head(one)}{zone[one]}</ResourceRecordSet>" for one in page) * self.times
        more = f"<IsTruncated>{'true' if rest else 'false'}</IsTruncated>"
        if rest:
            name, kind, identifier = rest[0]
            more += f"<NextRecordName>{_escaped(name)}</NextRecordName><NextRecordType>{kind}</NextRecordType>"
            more += f"<NextRecordIdentifier>{escape(identifier, False)}</NextRecordIdentifier>" if identifier else ""
        inner = f"<ResourceRecordSets>{rows}</ResourceRecordSets>{more}<MaxItems>{self.per_page}</MaxItems>"
        return _xml(f"<ListResourceRecordSetsResponse>{inner}</ListResourceRecordSetsResponse>")

    def _change(self, request: Request, mode: str) -> Answer:
        name = request.path.split("/")[3]
        zone = self.zones.get(name)
        if zone is None:
            return _error(404, "NoSuchHostedZone", "No hosted zone found with that id")
        if self.meanwhile:
            self.meanwhile()
        wanted, root = dict(zone), _bare(fromstring(request.body))  # noqa: S314 - we have sent it ourselves
        self.comments.append(root.findtext("ChangeBatch/Comment") or "")
        edits: list[tuple[str, str, str, str]] = []
        for change in root.iterfind("ChangeBatch/Changes/Change"):
            action, element = change.findtext("Action") or "", change.find("ResourceRecordSet")
            assert element is not None
            owner, kind, identifier = (element.findtext(tag) or "" for tag in ("Name", "Type", "SetIdentifier"))
            key = owner, kind, identifier
            inner = "".join(_text(one) for one in element if one.tag not in ("Name", "Type", "SetIdentifier"))
            edits.append((action, *key))
            words = self._refusal(action, key, inner, wanted)
            if words:
                return _invalid(words)
            if action == "DELETE":
                del wanted[key]
            else:
                wanted[key] = inner
        words = _torn(wanted)
        if words:
            return _invalid(words)
        self.batches.append(edits)
        if mode != "lie":
            self.zones[name] = wanted
        info = f"<Id>/change/C{next(self._ids):04}</Id><Status>PENDING</Status>"
        return _xml(
            f"<ChangeResourceRecordSetsResponse><ChangeInfo>{info}</ChangeInfo></ChangeResourceRecordSetsResponse>"
        )

    def _refusal(self, action: str, key: tuple[str, str, str], inner: str, zone: Records) -> str:
        name, kind, _ = key
        if (name, kind) in self.protected:
            return f"{name} {kind} is protected: {self.protected[name, kind]}"
        check = re.search("<HealthCheckId>(.*)</HealthCheckId>", inner)
        if check and action == "CREATE" and check[1] not in self.health_checks:
            return f"No health check exists with the specified ID {check[1]}"
        if action == "DELETE" and zone.get(key) != inner:
            found = "the values provided do not match the current values" if key in zone else "it was not found"
            return f"Tried to delete resource record set [name='{name}', type='{kind}'] but {found}"
        if action == "CREATE" and key in zone:
            return f"Tried to create resource record set [name='{name}', type='{kind}'] but it already exists"
        return ""


def _torn(zone: Records) -> str:
    """Why a zone cannot be as it would be."""
    groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for (name, kind, identifier), inner in zone.items():
        groups.setdefault((name, kind), []).append((identifier, inner))
    for (name, kind), members in groups.items():
        about = f"RRSet with DNS name {name}, type {kind}"
        if len(members) > 1 and any(not identifier for identifier, _ in members):
            return f"{about} cannot be created as other RRSets exist with the same name and type."
        lives = {found[0] for _, inner in members if (found := re.search("<TTL>[0-9]+", inner))}
        if len(lives) > 1:
            return f"{about} cannot be created as weighted sets must contain the same TTL."
    return ""


def _misbehave(mode: str, request: Request) -> Answer | None:
    token = request.headers.get("x-amz-security-token", "")
    if mode == "denied":
        return _error(403, "AccessDenied", f"User is not authorized to perform that, says {SECRET}\n{token}")
    if mode == "signature":
        return _error(
            403, "SignatureDoesNotMatch", f"The canonical string should have been x-amz-security-token:{token}"
        )
    if mode == "throttle":
        return _error(400, "Throttling", "Rate exceeded")
    if mode == "busy":
        return _error(400, "PriorRequestNotComplete", "The request was rejected")
    if mode == "broken":
        return Answer(503, "<html>Service Unavailable</html>")
    if mode == "garbage":
        return Answer(200, "It works!")
    return Answer(200, BOMB) if mode == "bomb" else None


def _check_signature(request: Request, session: str) -> Answer | None:
    """Signature Version 4, from its description and not by botocore: that what was signed is what was sent."""
    found = re.fullmatch(
        rf"AWS4-HMAC-SHA256 Credential={ACCESS}/([0-9]{{8}}/us-east-1/route53/aws4_request), "
        r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})",
        request.headers.get("authorization", ""),
    )
    if not found or request.headers.get("x-amz-security-token", "") != session:
        return _error(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    scope, names, signature = found.groups()
    query = "&".join(f"{quote(key, '-_.~')}={quote(value, '-_.~')}" for key, value in sorted(request.query.items()))
    headers = "".join(f"{name}:{request.headers[name]}\n" for name in names.split(";"))
    body = hashlib.sha256((request.body or "").encode()).hexdigest()
    canonical = "\n".join([request.method, request.path, query, headers, names, body])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    words = "\n".join(["AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope, digest])
    right = hmac.new(key, words.encode(), hashlib.sha256).hexdigest()
    return None if hmac.compare_digest(right, signature) else _error(403, "SignatureDoesNotMatch", "It does not match")


def _order(key: tuple[str, str, str]) -> tuple[str, str, str]:
    name, kind, identifier = key
    plain = name.replace("\\052", "*").removesuffix(".")
    return ".".join(reversed(plain.split("."))) + ".", kind, identifier


def _head(key: tuple[str, str, str]) -> str:
    name, kind, identifier = key
    named = f"<SetIdentifier>{escape(identifier, False)}</SetIdentifier>" if identifier else ""
    return f"<Name>{_escaped(name)}</Name><Type>{kind}</Type>{named}"


def _escaped(name: str) -> str:
    return name.replace("*", "\\052")


def _bare(root: Element) -> Element:
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _text(element: Element) -> str:
    inner = "".join(_text(one) for one in element) or escape(element.text or "", False)
    return f"<{element.tag}>{inner}</{element.tag}>"


def _xml(text: str, status: int = 200) -> Answer:
    named = re.sub(r"^<(\w+)", rf'<\1 xmlns="{NAMESPACE}"', text)
    return Answer(status, f'<?xml version="1.0"?>\n{named}', {"Content-Type": "text/xml"})


def _error(status: int, code: str, words: str) -> Answer:
    inner = f"<Type>Sender</Type><Code>{code}</Code><Message>{escape(words)}</Message>"
    return _xml(f"<ErrorResponse><Error>{inner}</Error><RequestId>r</RequestId></ErrorResponse>", status)


def _invalid(words: str) -> Answer:
    inner = f"<Messages><Message>[{escape(words)}]</Message></Messages><RequestId>r</RequestId>"
    return _xml(f"<InvalidChangeBatch>{inner}</InvalidChangeBatch>", 400)
