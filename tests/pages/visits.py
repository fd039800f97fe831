"""Which pages are looked at, as whom, and what each is looked at for. A page that is not here fails a test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from django.urls import reverse

from console.urls import urlpatterns
from tests.matrix.rows import POST, ROWS

OPERATOR, OWNER, VIEWER = "shop-operator", "shop-owner", "shop-viewer"
DESK, ENGINEER, REVIEWER, BANK = "support-desk", "engineer", "reviewer", "bank-owner"
PARAMS = {str(pattern.name): tuple(pattern.pattern.converters) for pattern in urlpatterns}


@dataclass(frozen=True, slots=True)
class Visit:
    """One look at one page.

    Args:
        name: of the address, as in console/urls.py.
        who: a session of the stage, or empty for nobody.
        shows: what is to be seen, in the words of the table that is printed.
        ids: parameter -> the name by which the stage knows its value, where that is not the parameter's own.
        query: what follows the question mark; `{}` takes ids of the stage.
        press: a script that sends a form, where the page is an answer to one.
        answers: the status that the page comes with.
        missing: an address beneath that of `name` at which nothing is.
    """

    name: str
    who: str
    shows: str
    ids: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    press: str = ""
    answers: int = 200
    missing: str = ""

    def path(self, ids: Mapping[str, Any]) -> str:
        given = {param: ids[self.ids.get(param, param)] for param in PARAMS[self.name]}
        found = reverse(self.name, kwargs=given) + self.missing
        return f"{found}?{self.query.format(**ids)}" if self.query else found


def sends(form: str, change: str = "") -> str:
    """Sends a form past the browser's own check of its fields, which is what an old browser does."""
    return f"{change}; document.querySelector({form!r}).submit()"


EMPTY = sends("main form[method=post]:not([data-passkey])")
NAMED = sends("main form", "document.querySelector('[name=name]').value = 'night-watch'")
FORGED = "document.querySelectorAll('[name=csrfmiddlewaretoken]').forEach(one => one.value = 'made up')"

VISITS = (
    Visit("start", REVIEWER, "nothing to see yet"),
    Visit("start", ENGINEER, "a choice of organizations"),
    Visit("sign-in", "", "the sign-in"),
    Visit("sign-in", "", "nothing was written", press=EMPTY, answers=422),
    Visit("sign-in", "", "a form without its token", press=sends("main form:not([data-passkey])", FORGED), answers=403),
    Visit("mfa_authenticate", "half-way", "the second step"),
    Visit("mfa_authenticate", "half-way", "no code was written", press=EMPTY, answers=422),
    Visit("confirm", OPERATOR, "confirm by password"),
    Visit("confirm", VIEWER, "confirm by code"),
    Visit("company-sign-in", "", "company sign-in is away", answers=503),
    Visit("me", OPERATOR, "one's sign-in"),
    Visit("me", VIEWER, "one's sign-in with an app"),
    Visit("factor-first", OPERATOR, "the first passkey"),
    Visit("passkey-add", OPERATOR, "a new passkey"),
    Visit("totp-add", OPERATOR, "a new app"),
    Visit("recovery-codes", VIEWER, "recovery codes"),
    Visit("factor-remove", VIEWER, "remove an app"),
    Visit("password", OPERATOR, "a new password"),
    Visit("password", OPERATOR, "no password was written", press=EMPTY, answers=422),
    Visit("token-add", OPERATOR, "a token for a program"),
    Visit("token-add", OPERATOR, "no name was written", press=EMPTY, answers=422),
    Visit("token-add", OPERATOR, "the token, once", press=NAMED),
    Visit("token-revoke", OPERATOR, "revoke a token"),
    Visit("welcome", "", "an invitation"),
    Visit("home", OPERATOR, "several things are broken"),
    Visit("home", VIEWER, "the same without a right"),
    Visit("home", DESK, "the same for support"),
    Visit("home", BANK, "a request waits", {"slug": "bank_slug"}),
    Visit("home", OPERATOR, "updates are paused", query="updates=off"),
    Visit("home", BANK, "somebody else's", answers=404),
    Visit("home", OPERATOR, "nothing there", missing="/nothing", answers=404),
    Visit("then", OPERATOR, "a request that is too large", query="a&" * 1001, answers=400),
    Visit("resources", OPERATOR, "everything"),
    Visit("drift", OPERATOR, "drift"),
    Visit("then", OPERATOR, "what was running then"),
    Visit("then", OPERATOR, "on a day", query="at=2026-02-20"),
    Visit("resource", OPERATOR, "a withdrawn prefix"),
    Visit("resource", OPERATOR, "a policy that works", {"resource_id": "healthy"}),
    Visit("resource", OPERATOR, "what we cannot repair", {"resource_id": "unrepairable"}),
    Visit("preview", OPERATOR, "a preview", query="target={resource_id}"),
    Visit("preview", OPERATOR, "of what is in order", {"action": "policy_action"}, query="target={healthy}"),
    Visit("preview", "bank-operator", "that takes two", {"slug": "bank_slug"}, query="target={bank}"),
    Visit("preview", OPERATOR, "everything at once", {"action": "all_action"}, query="select=everything"),
    Visit("restore-to", OPERATOR, "put everything back"),
    Visit("restore-to", OPERATOR, "to no moment that we can read", query="when=yesterday", answers=422),
    Visit("incident-now", OWNER, "the incident that is open"),
    Visit("incident-now", OWNER, "no reason was written", press=EMPTY, answers=422),
    Visit("incident", OPERATOR, "an incident"),
    Visit("incident", OPERATOR, "a note to correct", query="correct={note}"),
    Visit("incident", OPERATOR, "no note was written", press=sends("form[action$=notes]"), answers=422),
    Visit("incident", OWNER, "its runs, the oldest first", query="show=runs&order=oldest"),
    Visit("incidents", OWNER, "incidents"),
    Visit("incident", VIEWER, "the timeline, to see only"),
    Visit("incident", ENGINEER, "the timeline for engineers"),
    Visit("people", OWNER, "people"),
    Visit("people", DESK, "people for support"),
    Visit("people", OWNER, "nobody was named", press=sends("form[action$=invite]"), answers=422),
    Visit("desk", DESK, "the desk"),
    Visit("desk", DESK, "a search", query="q=203.0.113.7"),
    Visit("desk-customer", DESK, "a customer"),
    Visit("desk-act", DESK, "a caller"),
    Visit("desk-act", DESK, "nothing was written down", press=EMPTY, answers=422),
    Visit("desk-freeze", DESK, "pauses and breakers"),
    Visit("desk-freeze-check", DESK, "before everything pauses", query="over=everyone&because=We+look+at+the+routers"),
    Visit("desk-notices", DESK, "what was told"),
    Visit("desk-queue", ENGINEER, "the engineers' queue"),
    Visit("desk-queue", DESK, "the queue for support"),
    Visit("run", OPERATOR, "a run that begins"),
    Visit("run", OPERATOR, "that asks", {"reference": "paused"}),
    Visit("run", OPERATOR, "that worked", {"reference": "ended"}),
    Visit("run", OPERATOR, "that comes back later", {"reference": "away"}),
    Visit("run", OPERATOR, "that did not work", {"reference": "failed"}),
    Visit("run", VIEWER, "that worked, to see only", {"reference": "ended"}),
    Visit("run", OPERATOR, "no reason was written", {"reference": "paused"}, press=EMPTY, answers=422),
    Visit("run-undo", OPERATOR, "the preview of an undo", {"reference": "ended"}),
    Visit("approvals", BANK, "what waits for an answer"),
    Visit("approval", BANK, "a request"),
    Visit("approval", "bank-operator", "one's own request"),
    Visit("reviews", REVIEWER, "reviews"),
    Visit("review", REVIEWER, "a review"),
    Visit("review", REVIEWER, "nothing was found", press=EMPTY, answers=422),
    Visit("audit", REVIEWER, "the audit log"),
    Visit("audit", REVIEWER, "a search of it", query="action=run&organization=example-shop&words=run"),
    Visit("audit", REVIEWER, "a search that finds nothing", query="words=nothing-of-the-kind"),
    Visit("audit", REVIEWER, "a day that is none", query="from=2026-02-30", answers=422),
    Visit("audit-entry", REVIEWER, "an entry of the audit log"),
    Visit("offline", "", "the console is away"),
)

# Address -> why there is no page of its own to look at. Fragments and what takes a POST only go without saying.
NO_PAGES = {
    "account_login": "the same address as sign-in",
    "company-return": "the same page as company-sign-in when it fails",
    "passkey-code": "JSON",
    "passkey-sign-in-options": "JSON",
    "passkey-confirm": "JSON",
    "passkey-add-options": "JSON",
    "livez": "one word",
    "readyz": "JSON",
    "metrics": "text for Prometheus",
    "incident-note": "leads back",
    "incident-json": "a file",
    "incident-csv": "a file",
    "audit-csv": "a file",
    "audit-jsonl": "a file",
    "api-document": "JSON",
    "api-problem": "JSON",
    "consent-end": "leads back",
    "desk-freeze-lift": "leads back",
    "desk-breaker-close": "leads back",
    "desk-queue-take": "leads back",
    "desk-queue-note": "leads back",
    "run-stop": "leads back",
    "run-overrule": "leads back",
    "run-extend": "leads back",
    "people-invite": "leads back",
    "people-role": "leads back",
    "people-remove": "leads back",
    "people-withdraw": "leads back",
    "approval-agree": "leads back",
    "approval-refuse": "leads back",
    "approval-take-back": "leads back",
}


def pages() -> set[str]:
    """Names of the addresses that may answer a GET with a page."""
    return {name for name, row in ROWS.items() if not row.fragment and not row.token and row.methods != POST}


def safe(text: str) -> str:
    """For the id of a test."""
    return quote(text.replace(" ", "-"), safe="")
