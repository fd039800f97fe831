"""Reads who is told what: channels, the routes to them, and the mail addresses of people."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import yaml

from incidents.domain.notices import LONGEST_MAIL, About, Severity, is_mail_address
from incidents.inventory.document import ChannelEntry, Inventory, NotifyEntry, OrganizationEntry
from incidents.inventory.nodes import Fields, Node, Sheet, near

EVERY_ORGANIZATION, EVERY_KIND = "every organization", "every kind"
NOTHING = "nothing never means everything"


def read_channel(sheet: Sheet, node: Node, path: str) -> ChannelEntry:
    fields = Fields(sheet, node, path, ("name", "kind", "settings"))
    return ChannelEntry(fields.slug("name"), fields.text("kind", longest=20), fields.json("settings"))


def read_notify(sheet: Sheet, node: Node, path: str, organizations: tuple[OrganizationEntry, ...]) -> NotifyEntry:
    fields = Fields(sheet, node, path, ("name", "organizations", "platform", "kinds", "severity", "channels"))
    platform = fields.flag("platform")
    named: tuple[str, ...] = ()
    if fields.has("organizations") or not platform:
        named = _names(fields, "organizations", EVERY_ORGANIZATION, [one.name for one in organizations])
    return NotifyEntry(
        name=fields.slug("name"),
        organizations=named,
        platform=platform,
        kinds=_names(fields, "kinds", EVERY_KIND, tuple(About)),
        severity=fields.choice("severity", tuple(Severity), default=Severity.NOTE),
        channels=tuple(fields.texts("channels", empty="then nobody would be told; name the channels")),
    )


def read_mail(fields: Fields) -> str:
    """The address of a person; empty where the file gives none."""
    mail = fields.text("mail", default="", longest=LONGEST_MAIL)
    if mail and not is_mail_address(mail):
        fields.fault("mail", "must be one mail address, such as someone@example.net")
        return ""
    return mail


def check_notify(sheet: Sheet, inventory: Inventory, groups: Collection[str]) -> None:
    """Everything that a route names is there, and so is every group that mail goes to."""
    known = {
        "organizations": [one.name for one in inventory.organizations],
        "kinds": [str(kind) for kind in About],
        "channels": [one.name for one in inventory.channels],
    }
    for index, route in enumerate(inventory.notify):
        for field, names in known.items():
            _refer(sheet, f"notify[{index}].{field}", field[:-1], getattr(route, field), names)
    for index, channel in enumerate(inventory.channels):
        roles = channel.settings.get("roles")
        if channel.kind == "mail" and isinstance(roles, list):
            named = [role for role in roles if isinstance(role, str)]
            _refer(sheet, f"channels[{index}].settings.roles", "group", named, groups)


def _refer(sheet: Sheet, path: str, what: str, names: Sequence[str], known: Collection[str]) -> None:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name and name not in known:
            sheet.fault(f"{path}[{index}]", f"there is no {what} {name}; {near(name, known)}")
        elif name and name in seen:
            sheet.fault(f"{path}[{index}]", f"{name} stands twice")
        seen.add(name)


def _names(fields: Fields, key: str, every: str, known: Sequence[str]) -> tuple[str, ...]:
    """A list of names, or the words that stand for all of them, which are written out."""
    node = fields.node(key)
    if isinstance(node, yaml.ScalarNode) and node.value == every:
        return tuple(known)
    if node is None:
        return ()
    if not isinstance(node, yaml.SequenceNode):
        fields.fault(key, f"must be a list of names, or exactly the words `{every}`; {NOTHING}")
        return ()
    return tuple(fields.texts(key, empty=f"{NOTHING}; name some, or write the words `{every}`"))
