"""The XML of Route 53, version 2013-04-01: what a list holds, what an error says, and how a change is asked for.

It is read as a tree and not by botocore's model of the service, which leaves out what it does not know: of a record
set with a setting that we have never heard of nothing must be lost, so it has to be seen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar
from xml.etree.ElementTree import Element, ParseError, SubElement, fromstring, tostring

from incidents.adapters.route53_keys import plain
from incidents.adapters.route53_members import Alias, Member

NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/"
# Three hundred record sets with four hundred records each, which no zone has; a tree of more takes memory for nothing.
MOST_TAGS = 1_000_000
OURS = frozenset({"Name", "Type", "SetIdentifier", "Weight", "TTL", "ResourceRecords", "AliasTarget", "HealthCheckId"})
# Other ways to answer, by the element that tells of them.
POLICIES = {
    "Region": "latency",
    "GeoLocation": "location",
    "GeoProximityLocation": "nearness",
    "Failover": "failover",
    "MultiValueAnswer": "several values at once",
    "CidrRoutingConfig": "address range",
    "TrafficPolicyInstanceId": "a traffic policy",
}


Read = TypeVar("Read")


class Unreadable(ValueError):
    """It is no XML, or not of the form that Route 53 gives."""


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a list. `other` is why it is not ours, in the middle of a sentence; empty where it is."""

    name: str
    type: str
    member: Member
    other: str


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list; `next` is what to ask on with, and empty at its end."""

    rows: Sequence[Row]
    next: dict[str, str]


@dataclass(frozen=True, slots=True)
class Edit:
    """One element of a change batch: making a member, or taking away exactly this one."""

    action: Literal["CREATE", "DELETE"]
    name: str
    type: str
    member: Member


def tree_of(content: bytes) -> Element:
    """The tree, its names without their namespace.

    A document type is where entities are declared, which grow without bound or fetch files; Route 53 sends none, so
    one that has it is not read at all. As text, so that no other encoding hides it.

    Raises Unreadable.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise Unreadable("it is no text") from None
    if "<!DOCTYPE" in text or text.count("<") > MOST_TAGS:
        raise Unreadable("it is no answer of Route 53")
    try:
        root = fromstring(text)  # noqa: S314 - without a document type there are no entities to expand
    except (ParseError, ValueError):
        raise Unreadable("it is no XML") from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def page_of(content: bytes) -> Page:
    """Part of the list of a zone. Raises Unreadable."""
    root = tree_of(content)
    listed, truncated = root.find("ResourceRecordSets"), root.findtext("IsTruncated")
    if root.tag != "ListResourceRecordSetsResponse" or listed is None or truncated not in ("true", "false"):
        raise Unreadable("it is no list")
    places = {"name": "NextRecordName", "type": "NextRecordType", "identifier": "NextRecordIdentifier"}
    more = {word: root.findtext(tag) or "" for word, tag in places.items()} if truncated == "true" else {}
    if more and not (more["name"] and more["type"]):
        raise Unreadable("it is a list that does not say how it goes on")
    return Page([_row(one) for one in listed], {word: value for word, value in more.items() if value})


def protections_of(content: bytes) -> tuple[dict[tuple[str, str], str], str]:
    """The comment of each protection by (name, type), and the token of the next page. Raises Unreadable."""
    root = tree_of(content)
    if root.tag != "ListResourceRecordSetProtectionsResponse":
        raise Unreadable("it is no list")
    listed = [one for one in root.iter() if one.find("RecordName") is not None]
    found = {
        (plain(one.findtext("RecordName") or ""), one.findtext("RecordType") or ""): one.findtext("Comment") or ""
        for one in listed
    }
    return found, root.findtext("NextToken") or ""


def change_id_of(content: bytes) -> str:
    """What AWS calls a change that it has taken, such as `C2682N5HXP0BZ4`. Raises Unreadable."""
    root = tree_of(content)
    found = root.findtext("ChangeInfo/Id") or ""
    if root.tag != "ChangeResourceRecordSetsResponse" or not re.fullmatch(r"/change/[0-9A-Za-z]{1,64}", found):
        raise Unreadable("it does not say that it has taken the change")
    return found.rpartition("/")[2]


def error_of(content: bytes) -> tuple[str, str]:
    """Code and words of an error; both empty where there are none.

    A batch that cannot be is told in a form of its own, `<InvalidChangeBatch><Messages><Message>`.
    """
    try:
        root = tree_of(content)
    except Unreadable:
        return "", ""
    if root.tag == "InvalidChangeBatch":
        return root.tag, "; ".join(one.text or "" for one in root.iter("Message"))
    return root.findtext("Error/Code") or "", root.findtext("Error/Message") or ""


def batch_of(edits: Sequence[Edit], comment: str) -> bytes:
    """The body that asks for all of these at once, or none."""
    root = Element("ChangeResourceRecordSetsRequest", xmlns=NAMESPACE)
    batch = SubElement(root, "ChangeBatch")
    if comment:
        SubElement(batch, "Comment").text = comment
    changes = SubElement(batch, "Changes")
    for edit in edits:
        change = SubElement(changes, "Change")
        SubElement(change, "Action").text = edit.action
        _write(SubElement(change, "ResourceRecordSet"), edit)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _row(element: Element) -> Row:
    name, kind = element.findtext("Name"), element.findtext("Type")
    if element.tag != "ResourceRecordSet" or not name or not kind:
        raise Unreadable("it is a list with an entry that is no record set")
    target = element.find("AliasTarget")
    records = tuple(one.findtext("Value") or "" for one in element.iterfind("ResourceRecords/ResourceRecord"))
    member = Member(
        id=element.findtext("SetIdentifier") or "",
        weight=_number(element, "Weight"),
        ttl=_number(element, "TTL"),
        records=records,
        health_check=element.findtext("HealthCheckId") or "",
        alias=None if target is None else _alias(target),
    )
    return Row(plain(name), kind, member, _other(element, member))


def _other(element: Element, member: Member) -> str:
    """Why it is not ours."""
    strange = sorted({child.tag for child in element} - OURS)
    if strange:
        policy = POLICIES.get(strange[0])
        words = f"answered by {policy}" if policy else f"set up with {strange[0]}, which is not known here"
        return f"it is {words}, and only weighted and simple record sets are changed here"
    if (member.id == "") != (member.weight is None):
        return "it has a name without a weight, or a weight without a name"
    if (member.alias is None) == (not member.records) or (member.alias is None) == (member.ttl is None):
        return "it is neither an alias nor a set of records"
    return ""


def _alias(target: Element) -> Alias:
    zone, name = target.findtext("HostedZoneId") or "", target.findtext("DNSName") or ""
    return Alias(zone, name, target.findtext("EvaluateTargetHealth") == "true")


def _number(element: Element, tag: str) -> int | None:
    text = element.findtext(tag)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,10}", text):
        raise Unreadable(f"it is a list with a {tag} that is no number")
    return int(text)


def _write(parent: Element, edit: Edit) -> None:
    """The fields in the order of the schema, which Route 53 insists on."""
    one = edit.member

    def add(tag: str, value: object) -> None:
        SubElement(parent, tag).text = str(value)

    add("Name", edit.name)
    add("Type", edit.type)
    if one.weight is not None:
        add("SetIdentifier", one.id)
        add("Weight", one.weight)
    if one.alias:
        target = SubElement(parent, "AliasTarget")
        SubElement(target, "HostedZoneId").text = one.alias.zone
        SubElement(target, "DNSName").text = one.alias.name
        SubElement(target, "EvaluateTargetHealth").text = "true" if one.alias.evaluate_health else "false"
    else:
        add("TTL", one.ttl)
        records = SubElement(parent, "ResourceRecords")
        for record in one.records:
            SubElement(SubElement(records, "ResourceRecord"), "Value").text = record
    if one.health_check:
        add("HealthCheckId", one.health_check)
