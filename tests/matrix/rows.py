"""The table: who gets in where, and by which methods. An address without a row fails the test."""

from __future__ import annotations

from dataclasses import dataclass

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")

# Roles at example-shop; `stranger` owns example-bank instead, `acting` is support with a caller's consent.
ROLES = (
    "anonymous", "nobody", "viewer", "operator", "owner", "support", "acting", "reviewer", "engineer", "stranger",
)  # fmt: skip
SIGNED_IN = frozenset(ROLES) - {"anonymous"}
NONE: frozenset[str] = frozenset()

SEE = frozenset({"viewer", "operator", "owner", "support", "acting", "engineer"})
ACT = frozenset({"operator", "owner", "acting"})
USE = frozenset({"operator", "owner"})
MANAGE = frozenset({"owner"})
HELP = frozenset({"support", "acting"})
QUEUE = frozenset({"support", "acting", "engineer"})
REVIEW = frozenset({"reviewer"})

SAFE, POST, FORM, GET = ("GET", "HEAD"), ("POST",), ("GET", "POST"), ("GET",)


@dataclass(frozen=True, slots=True)
class Row:
    """One address.

    Args:
        methods: those that it knows; every other one is answered with 405, whoever asks.
        get, post: roles that get in; the others are answered as if there were nothing (404).
        fragment: whether it is a polled part of a page, which answers 401 and not by a redirect.
        open: whether one gets in without having signed in.
        closed: whether nobody gets in, since what stands there is not set up.
        elsewhere: roles that get in by GET at another organization too, since nothing of it is shown by that.
        heard: the same by POST, since nothing of it is changed by that.
        token: whether nobody gets in by a session, but is answered 401.
        done: whether a post of whoever gets in does what it asks for: 303.
    """

    methods: tuple[str, ...]
    get: frozenset[str] = NONE
    post: frozenset[str] = NONE
    fragment: bool = False
    open: bool = False
    closed: bool = False
    elsewhere: frozenset[str] = NONE
    heard: frozenset[str] = NONE
    done: bool = False
    token: bool = False


def open_to_all(methods: tuple[str, ...]) -> Row:
    return Row(methods, frozenset(ROLES), frozenset(ROLES), open=True)


def ones_own(methods: tuple[str, ...]) -> Row:
    """A page about the person who looks at it."""
    return Row(methods, SIGNED_IN, SIGNED_IN)


def by_token(*methods: str) -> Row:
    """Where programs come in by a token; no session opens it. Who gets in by one: tests/api."""
    return Row(methods, token=True)


def form(post: frozenset[str], *, done: bool = True) -> Row:
    """Where a form is sent to: a GET leads back to the page on which it stands, whatever that shows."""
    return Row(FORM, SIGNED_IN, post, elsewhere=SIGNED_IN, done=done)


ROWS: dict[str, Row] = {
    "start": ones_own(SAFE),
    "sign-in": open_to_all(FORM),
    "account_login": open_to_all(FORM),
    "mfa_authenticate": open_to_all(FORM),
    "passkey-code": open_to_all(GET),
    "passkey-sign-in": open_to_all(POST),
    "passkey-sign-in-options": open_to_all(GET),
    "confirm": ones_own(FORM),
    "passkey-confirm": ones_own(GET),
    "company-sign-in": Row(GET, closed=True),
    "company-return": Row(GET, closed=True),
    "sign-out": open_to_all(POST),
    "me": ones_own(SAFE),
    "factor-first": ones_own(SAFE),
    "passkey-add": ones_own(FORM),
    "passkey-add-options": ones_own(GET),
    "totp-add": ones_own(FORM),
    "recovery-codes": ones_own(FORM),
    "factor-remove": Row(FORM),
    "password": ones_own(FORM),
    "token-add": ones_own(FORM),
    "token-revoke": Row(FORM),
    "welcome": Row(FORM, closed=True),  # for a token that nobody has given out
    "home": Row(SAFE, SEE),
    "home-summary": Row(SAFE, SEE, fragment=True),
    "resources": Row(SAFE, SEE),
    "drift": Row(SAFE, SEE),
    "resource": Row(SAFE, SEE),
    "preview": Row(FORM, ACT, ACT, done=True),
    "consent-end": Row(FORM, SEE, frozenset({"operator", "owner", "support", "acting"})),
    "restore-to": Row(SAFE, ACT),
    "then": Row(SAFE, SEE),
    "incident-now": Row(FORM, MANAGE | HELP, MANAGE | HELP),
    "incidents": Row(SAFE, SEE),
    "incident": Row(SAFE, SEE),
    "incident-summary": Row(SAFE, SEE, fragment=True),
    "incident-note": form(ACT | QUEUE),
    "incident-json": Row(GET, SEE),
    "incident-csv": Row(GET, SEE),
    "people": Row(SAFE, MANAGE | HELP),
    "people-invite": form(MANAGE),
    "people-role": form(MANAGE),
    "people-remove": form(MANAGE),
    "people-withdraw": form(MANAGE),
    "desk": Row(SAFE, HELP),
    "desk-summary": Row(SAFE, HELP, fragment=True),
    "desk-customer": Row(SAFE, HELP),
    "desk-act": Row(FORM, HELP, HELP),
    "desk-freeze": Row(SAFE, HELP),
    "desk-freeze-check": Row(FORM, HELP, HELP),
    "desk-freeze-lift": Row(FORM, HELP, HELP, elsewhere=HELP),
    "desk-breaker-close": Row(FORM, HELP, HELP, elsewhere=HELP, heard=HELP),
    "desk-notices": Row(SAFE, HELP),
    "desk-queue": Row(SAFE, QUEUE),
    "desk-queue-take": Row(FORM, QUEUE, frozenset({"engineer"}), elsewhere=QUEUE),
    "desk-queue-note": Row(FORM, QUEUE, QUEUE, elsewhere=QUEUE),
    "run": Row(SAFE, SEE),
    "run-progress": Row(SAFE, SEE, fragment=True),
    "run-stop": form(ACT),
    "run-overrule": form(USE, done=False),
    "run-extend": form(USE, done=False),
    "run-undo": Row(FORM, ACT, ACT),
    "approvals": ones_own(SAFE),
    "approval": Row(SAFE, SEE),
    "approval-state": Row(SAFE, SEE, fragment=True),
    "approval-agree": form(frozenset({"owner", "support", "acting"})),
    "approval-refuse": form(frozenset({"owner", "support", "acting"})),
    "approval-take-back": form(frozenset({"operator"})),
    "reviews": ones_own(SAFE),
    "review": Row(FORM, REVIEW, REVIEW, done=True),
    "audit": Row(SAFE, REVIEW),
    "audit-entry": Row(SAFE, REVIEW),
    "audit-csv": Row(SAFE, REVIEW),
    "audit-jsonl": Row(SAFE, REVIEW),
    "notice-read": Row(POST, NONE, SIGNED_IN, heard=SIGNED_IN),
    "api-document": open_to_all(SAFE),
    "api-problem": open_to_all(GET),
    "api-organizations": by_token(*GET),
    "api-organization": by_token(*GET),
    "api-previews": by_token(*POST),
    "api-preview": by_token(*GET),
    "api-runs": by_token(*FORM),
    "api-run": by_token(*GET),
    "api-stop": by_token(*POST),
    "api-continue": by_token(*POST),
    "api-undo": by_token(*POST),
    "api-incidents": by_token(*GET),
    "api-incident": by_token(*GET),
    "api-approval": by_token(*GET),
    "livez": open_to_all(SAFE),
    "readyz": open_to_all(SAFE),
    "metrics": Row(SAFE, closed=True),  # as long as no token and no network is set
    "offline": open_to_all(SAFE),
}
