"""One HTTP call within one deadline: connecting, sending and every byte of the answer.

urllib3 does the protocol and the certificates; what is added is a deadline that a server cannot stretch by dripping,
a limit to the size of an answer, and the distinction that receipts need: was anything sent?
"""

from __future__ import annotations

import json
import logging
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import urllib3

from incidents.domain.canonical import Json
from incidents.domain.errors import BackendTimeout, BackendUnreachable
from incidents.wire.connections import POOLS, NotConnected
from incidents.wire.deadline import Deadline
from incidents.wire.settings import fault

# A list of some thousand objects is a few megabytes; more than this is no answer.
LARGEST_ANSWER = 32 * 1024 * 1024
PIECE = 65536
FORM = "application/x-www-form-urlencoded"

# At DEBUG it would write every address that we ask for into the log.
logging.getLogger("urllib3").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: the status, its headers, and the body as JSON (None where it is no JSON)."""

    status: int
    headers: Mapping[str, str]
    body: Json


@dataclass(frozen=True, slots=True)
class Raw:
    """The same with the body as it came, for whoever must look at its bytes before its meaning."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(slots=True)
class Client:
    """Speaks to one server.

    Args:
        name: slug of the backend, for messages.
        url: `http(s)://host[:port][/path]`, the beginning of every address.
        headers: sent with every call; what is secret in them never stands in a message.
        tls: for https; None for the system's authorities. Certificates and names are always checked.
        tls_name: the name that stands in the server's certificate; empty for the host of the url.
        largest: the most bytes of one answer that are read; more is no answer.
    """

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls: ssl.SSLContext | None = None
    tls_name: str = ""
    largest: int = LARGEST_ANSWER
    _pool: urllib3.PoolManager = field(init=False, repr=False)

    def __post_init__(self) -> None:
        context = self.tls or ssl.create_default_context()
        self._pool = urllib3.PoolManager(maxsize=8, ssl_context=context, server_hostname=self.tls_name or None)
        self._pool.pool_classes_by_scheme = POOLS

    def call(
        self,
        deadline: Deadline,
        method: str,
        path: str,
        body: Json = None,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """Sends one request, once: no redirect is followed and nothing is tried again. `form` stands in for `body`.

        Raises:
            BackendUnreachable: no connection, so certainly nothing was sent.
            BackendTimeout: it was sent, and the answer was lost, late, or no answer.
        """
        kind = {"Accept": "application/json", "Content-Type": "application/json" if form is None else FORM}
        told = {**kind, **self.headers, **(headers or {})}
        answer = self.exchange(
            deadline, method, path + (f"?{urlencode(query)}" if query else ""), _encoded(body, form), told
        )
        return Answer(answer.status, answer.headers, _json(answer.content))

    def exchange(
        self, deadline: Deadline, method: str, path: str, content: bytes | None, headers: Mapping[str, str]
    ) -> Raw:
        """The same with bytes both ways, and with these headers only.

        Raises: BackendUnreachable, BackendTimeout; as `call`.
        """
        try:
            seconds = deadline.left()
        except TimeoutError:
            raise BackendUnreachable(f"{self.name} was not asked, for no time was left") from None
        try:
            response = self._pool.request(
                method,
                self.url.rstrip("/") + path,
                body=content,
                headers=dict(headers),
                timeout=urllib3.Timeout(total=seconds),
                retries=False,
                redirect=False,
                preload_content=False,
            )
        except NotConnected as error:
            raise BackendUnreachable(self._not_connected(error.__cause__)) from error
        except urllib3.exceptions.SSLError as error:
            # TLS 1.3 says only after the request what it thinks of our certificate.
            ours = "certificate" in str(error).lower()
            reason = "does not accept our certificate" if ours else "broke the encrypted connection off"
            raise BackendTimeout(f"{self.name} {reason}") from error
        except urllib3.exceptions.HTTPError as error:
            raise BackendTimeout(f"{self.name} did not answer") from error
        return Raw(response.status, dict(response.headers), self._content(response, deadline))

    def close(self) -> None:
        """Ends connections. Harmless when repeated."""
        self._pool.clear()

    def _not_connected(self, cause: BaseException | None) -> str:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate of {self.name} is not accepted: {_why(cause)}"
        return f"{self.name} could not be reached"

    def _content(self, response: urllib3.BaseHTTPResponse, deadline: Deadline) -> bytes:
        """The whole body, however slowly it comes."""
        received = bytearray()
        whole = False
        try:
            for piece in response.stream(PIECE):
                received += piece
                deadline.left()
                if len(received) > self.largest:
                    raise BackendTimeout(f"{self.name} answered more than {self.largest} bytes")
            whole = True
        except (urllib3.exceptions.HTTPError, TimeoutError, OSError) as error:
            raise BackendTimeout(f"{self.name} did not finish its answer in time") from error
        finally:
            # A connection with the rest of an answer in it must answer nobody else.
            response.release_conn() if whole else response.close()
        return bytes(received)


def _json(content: bytes) -> Json:
    try:
        value: Json = json.loads(content)
    except (ValueError, RecursionError):  # brackets without end are no answer either
        return None
    return value


def _encoded(body: Json, form: Mapping[str, str] | None) -> bytes | None:
    if form is not None:
        return urlencode(form).encode()
    return None if body is None else json.dumps(body).encode()


def check_url(name: str, url: str, *, plain: bool = False) -> str:
    """A setting that is an address of a server.

    Args:
        plain: whether http is allowed besides https.

    Raises InventoryFault.
    """
    schemes = ("https", "http") if plain else ("https",)
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - looked at only when it is asked for
    except ValueError:
        raise fault(name, "is no address of a server") from None
    if parts.scheme not in schemes or not parts.hostname:
        raise fault(name, f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)} and a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise fault(name, "must hold no name, password, query or fragment; secrets have settings of their own")
    return url


def check_guarded_url(name: str, url: str) -> str:
    """The same for calls that a secret goes with, or depends on: https, or http to a numeric loopback address.

    Raises InventoryFault.
    """
    parts = urlsplit(check_url(name, url, plain=True))
    try:
        at_home = ip_address(parts.hostname or "").is_loopback
    except ValueError:
        at_home = False
    if parts.scheme != "https" and not at_home:
        raise fault(name, "must begin with https://; http:// is for a numeric loopback address only")
    return url


def trust(name: str, authority: str | None) -> ssl.SSLContext:
    """Checks certificates by this authority (PEM), or by the system's. Raises InventoryFault."""
    try:
        return ssl.create_default_context(cadata=authority)
    except ssl.SSLError:
        raise fault(name, "holds no certificate in PEM form") from None


def identify(name: str, context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Lets `context` show this certificate with its chain, and prove it by this key (both PEM).

    Raises InventoryFault when they are no such things, do not belong together, or the key is encrypted.
    """
    # OpenSSL reads keys from files only: a folder that nobody else may enter, for as long as that takes.
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder, "certificate"), Path(folder, "key")
        for path, text in zip(paths, (certificate, key), strict=True):
            path.write_text(text)
        try:
            # Without a password of ours OpenSSL would ask for one at the terminal.
            context.load_cert_chain(*paths, password="")
        except (ssl.SSLError, OSError):
            raise fault(name, "holds no certificate and unencrypted key in PEM form that belong together") from None


def _why(error: Exception) -> str:
    """The reason that OpenSSL gives, without its numbers."""
    text = str(error)
    for known in ("Hostname mismatch", "IP address mismatch", "certificate has expired", "self-signed certificate"):
        if known.lower() in text.lower():
            return known.lower()
    return "it cannot be verified"
