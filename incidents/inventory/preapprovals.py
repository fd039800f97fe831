"""Reads one preapproval: who may run which action on which resources, and its terms."""

from __future__ import annotations

import yaml

from incidents.domain.kinds import Kind
from incidents.domain.people import group_of
from incidents.inventory.document import OrganizationEntry, PreapprovalEntry
from incidents.inventory.nodes import Fields, Node, Sheet
from incidents.inventory.terms import TERMS, read_terms

# The kinds that each of these words stands for.
EVERY: dict[str, frozenset[str]] = {f"every {kind}": frozenset({kind}) for kind in Kind}
EVERY["every resource"] = frozenset(Kind)
WORDS = ", ".join(f"`{words}`" for words in EVERY)
NOBODY = "then nobody could be the second person; leave it out, or name the groups that may"
NOTHING = f"nothing never means everything; name resources, or write the words {WORDS}"


def read_preapproval(
    sheet: Sheet, node: Node, path: str, organizations: tuple[OrganizationEntry, ...]
) -> PreapprovalEntry:
    fields = Fields(sheet, node, path, ("name", "action", "organization", "resources", "groups", "approvers", *TERMS))
    organization = fields.text("organization")
    by_default = (group_of(organization, "owners"), group_of(organization, "operators"), "support")
    return PreapprovalEntry(
        name=fields.slug("name"),
        action=fields.text("action", longest=40),
        organization=organization,
        resources=_read_resources(fields, organization, organizations),
        groups=tuple(fields.texts("groups", empty="then nobody could use it; name the groups that may")),
        approvers=tuple(fields.texts("approvers", empty=NOBODY)) if fields.has("approvers") else by_default,
        terms=read_terms(fields),
    )


def _read_resources(fields: Fields, organization: str, organizations: tuple[OrganizationEntry, ...]) -> tuple[str, ...]:
    """Names, with `every prefix` (or the like) written out: approved is what the file holds, not what comes later."""
    node = fields.node("resources")
    if isinstance(node, yaml.SequenceNode):
        return tuple(fields.texts("resources", empty=NOTHING))
    if not isinstance(node, yaml.ScalarNode):
        if node is not None:
            fields.fault("resources", f"must be a list of names, or the words {WORDS}")
        return ()
    kinds = EVERY.get(node.value)
    if kinds is None:
        fields.fault("resources", f"must be a list of names, or exactly the words {WORDS}; {NOTHING}")
        return ()
    owners = [entry for entry in organizations if entry.name == organization]
    return tuple(resource.name for owner in owners for resource in owner.resources if resource.kind in kinds)
