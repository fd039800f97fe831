"""Who is told what, in the inventory: channels, routes and the mail addresses of people."""

from __future__ import annotations

import dataclasses

import pytest

from incidents.inventory.document import Inventory
from incidents.inventory.reading import read
from incidents.inventory.rules import Rules
from incidents.models import AuditEntry, Channel, NoticeRoute, Person, Telling
from incidents.notices import mail, webhook
from incidents.services import inventory as service
from tests.inventory.conftest import EXAMPLE, entries, replaced, the_fault

SERVER = mail.Server("127.0.0.1", 25, "", "", "none", "console@example.net")
TOLD = """\
channels:
  - {name: night, kind: mail, settings: {to: [noc@example.org], roles: [shop/operators]}}
  - {name: hook, kind: webhook, settings: {url: "https://hooks.example.net/in", secret: "env:HOOK"}}
notify:
  - name: shop-night
    organizations: [shop]
    kinds: every kind
    severity: urgent
    channels: [night, hook]
  - {name: platform, platform: true, kinds: [freeze, breaker], channels: [night]}
"""
FULL = (
    EXAMPLE.replace("    title: operator of Example Shop\n", "    title: operator\n    mail: alice@example.org\n")
    + TOLD
)


@pytest.fixture
def rules(rules: Rules, monkeypatch: pytest.MonkeyPatch) -> Rules:
    monkeypatch.setenv("HOOK", "whsec_" + "A" * 32)
    return dataclasses.replace(rules, channels={"mail": mail.maker(SERVER), "webhook": webhook.maker([])})


def read_right(text: str, rules: Rules) -> Inventory:
    found = read(text, rules)
    assert isinstance(found, Inventory), "\n".join(map(str, found))
    return found


def test_it_is_written_out_and_applied(db: None, rules: Rules) -> None:
    found = read_right(FULL, rules)
    assert service.apply(found, by="engineer").kinds["notify"].added == ("shop-night", "platform")

    night = NoticeRoute.objects.get(slug="shop-night")
    assert (night.organizations, night.severity, night.platform) == (["shop"], "urgent", False)
    assert "run-failed" in night.kinds
    assert len(night.kinds) == 15
    assert NoticeRoute.objects.get(slug="platform").organizations == []
    assert Channel.objects.get(slug="hook").settings["secret"] == "env:HOOK"
    assert Person.objects.get(username="alice").mail == "alice@example.org"
    assert service.plan(found).is_empty


def test_what_happened_before_the_first_route_is_told_to_nobody(db: None, rules: Rules) -> None:
    service.apply(read_right(EXAMPLE, rules), by="engineer")
    size = AuditEntry.objects.count()
    service.apply(read_right(FULL, rules), by="engineer")
    assert Telling.objects.get().size == size


def test_changes_and_removals_are_in_the_plan_and_the_log(db: None, rules: Rules) -> None:
    service.apply(read_right(FULL, rules), by="engineer")
    service.apply(read_right(FULL.replace("severity: urgent", "severity: note"), rules), by="engineer")
    [changed] = entries("inventory.notify.changed")
    assert changed["data"] == {"name": "shop-night", "fields": ["severity"]}

    left = EXAMPLE + "remove: [channel hook]\n"
    with pytest.raises(ExceptionGroup) as faults:
        service.apply(read_right(left, rules), by="engineer")
    assert "`notify shop-night` would be left without it" in str(faults.value.exceptions[0])
    both = EXAMPLE + "remove: [channel hook, notify shop-night]\n"
    service.apply(read_right(both, rules), by="engineer")
    assert [row.slug for row in Channel.objects.all()] == ["night"]


FAULTS = [
    ("kinds: every kind", "kinds: []", "notify[0].kinds", "nothing never means everything"),
    ("kinds: every kind", "kinds: everything", "notify[0].kinds", "exactly the words `every kind`"),
    ("kinds: every kind", "kinds: [run-faild]", "notify[0].kinds[0]", "did you mean run-failed?"),
    ("organizations: [shop]", "organizations: []", "notify[0].organizations", "nothing never means everything"),
    ("organizations: [shop]", "organizations: [shopp]", "notify[0].organizations[0]", "did you mean shop?"),
    ("organizations: [shop]", "organizations: [shop, shop]", "notify[0].organizations[1]", "stands twice"),
    ("    organizations: [shop]\n", "", "notify[0].organizations", "is missing"),
    ("channels: [night, hook]", "channels: [day]", "notify[0].channels[0]", "there is no channel day"),
    ("channels: [night, hook]", "channels: []", "notify[0].channels", "then nobody would be told"),
    ("severity: urgent", "severity: huge", "notify[0].severity", "huge is not known here"),
    ("kind: webhook", "kind: pigeon", "channels[1].kind", "pigeon is no kind that this console knows"),
    ("env:HOOK", "env:NOT_SET", "channels[1].settings.secret", "NOT_SET is not set"),
    ("https://hooks.example.net/in", "https://127.0.0.1/in", "channels[1].settings.url", "not public"),
    ("roles: [shop/operators]", "roles: [shop/operatrs]", "channels[0].settings.roles[0]", "there is no group"),
    ("to: [noc@example.org]", "to: [noc]", "channels[0].settings.to", "'noc' is no mail address"),
    ("mail: alice@example.org", "mail: Alice <alice@example.org>", "people[0].mail", "must be one mail address"),
    ("name: platform", "name: shop-night", "notify[1].name", "stands twice"),
]


@pytest.mark.parametrize(("old", "new", "path", "says"), FAULTS)
def test_a_fault_names_its_place(old: str, new: str, path: str, says: str, rules: Rules) -> None:
    fault = the_fault(replaced(old, new, FULL), rules)
    assert (fault.path, says in fault.message) == (path, True), str(fault)
    assert fault.line > 0


def test_without_a_mail_server_the_plan_says_so(rules: Rules) -> None:
    without = dataclasses.replace(rules, channels={**rules.channels, "mail": mail.maker(None)})
    fault = the_fault(FULL, without)
    assert fault.path == "channels[0].settings.to"
    assert "set MAIL_URL and MAIL_FROM" in fault.message
