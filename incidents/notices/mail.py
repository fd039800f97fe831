"""Mail, by Django's own mail over SMTP. One message a person, so that one wrong address keeps it from nobody else."""

from __future__ import annotations

import smtplib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from incidents.domain.notices import Posting, Result, is_mail_address, one_line
from incidents.notices.base import Make, Secret, within
from incidents.wire.settings import Settings, fault

SETTINGS = frozenset({"to", "roles"})
# In seconds: for each step of the conversation, and for all of it.
STEP, BUDGET = 10.0, 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """The mail server, and whom its mail is from.

    Args:
        tls: `none`, `starttls` or `tls`.
    """

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    tls: str
    sender: str


class Mail:
    """Sends to people by one server."""

    def __init__(self, name: str, server: Server, *, step: float = STEP, budget: float = BUDGET) -> None:
        self._name, self._server, self._step, self._budget = name, server, step, budget

    def send(self, posting: Posting, to: str) -> Result:
        try:
            return within(self._budget, lambda: self._send(posting, to), "mail")
        except TimeoutError:
            return Result(went=False, detail="the mail server took too long")
        except smtplib.SMTPRecipientsRefused as error:
            code = next((code for code, _ in error.recipients.values()), 0)
            # RFC 5321 section 4.2.1: 5yz will be said again, 4yz may change.
            return Result(went=False, status=str(code), detail="it does not take this address", final=code >= 500)
        except smtplib.SMTPResponseException as error:
            return Result(went=False, status=str(error.smtp_code), detail="the mail server refused")
        except (smtplib.SMTPException, OSError, ValueError):
            return Result(went=False, detail="the mail server could not be talked to")

    def masked(self, to: str) -> str:
        name, _, domain = to.partition("@")
        return f"{name[:1]}…@{domain}" if domain else "…"

    def close(self) -> None:
        """Nothing is held between two notices."""

    def _send(self, posting: Posting, to: str) -> Result:
        server = self._server
        connection = EmailBackend(
            host=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.tls == "starttls",
            use_ssl=server.tls == "tls",
            timeout=self._step,
        )
        domain = server.sender.rpartition("@")[2]
        message = EmailMessage(
            subject=one_line(posting.subject),
            body="\n\n".join(part for part in (posting.subject, posting.text, posting.link) if part) + "\n",
            from_email=server.sender,
            to=[to],
            connection=connection,
            headers={
                # A repetition bears the same id, by which mail programs fold the two.
                "Message-ID": f"<{posting.id}@{domain}>",
                # RFC 3834 section 5: no holiday note answers it. RFC 2919: what a filter can go by.
                "Auto-Submitted": "auto-generated",
                "X-Auto-Response-Suppress": "All",
                "List-Id": f"<{self._name}.notices.{domain}>",
            },
        )
        message.send()
        return Result(went=True, status="250")


def mail_of(name: str, settings: Mapping[str, object], secret: Secret, *, server: Server | None) -> Mail:
    """Mail by this server. Raises InventoryFault, also where there is no server."""
    given = Settings.of(settings, SETTINGS)
    if not texts(given, "to") + texts(given, "roles"):
        raise fault("to", "name addresses under to, or groups under roles; nothing never means everybody")
    for address in texts(given, "to"):
        if not is_mail_address(address):
            raise fault("to", f"{one_line(address)!r} is no mail address")
    if server is None:
        raise fault("to", "needs a mail server; set MAIL_URL and MAIL_FROM (docs/settings.md)")
    return Mail(name, server)


def maker(server: Server | None) -> Make:
    return partial(mail_of, server=server)


def texts(given: Settings, name: str) -> list[str]:
    """The texts of an optional list. Raises InventoryFault."""
    value = given.given.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise fault(name, "must be a list of texts")
    return list(value)
