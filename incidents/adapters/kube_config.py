"""Kubeconfig files: which API server, whom it is, and who we are.

Only what needs no other program: a token or a client certificate. Fields as in client-go's `clientcmd/api/v1/types.go`.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import urlsplit

import yaml

from incidents.domain.errors import InventoryFault
from incidents.wire.http import check_url, identify, trust
from incidents.wire.settings import Secret, fault

SETTING = "kubeconfig"
REFUSED_OF_A_USER = {
    "exec": "runs a program to sign in, which we do not",
    "auth-provider": "runs code of a provider to sign in, which we do not",
    "username": "signs in by a password, which API servers take no more",
    "password": "signs in by a password, which API servers take no more",
    "as": "acts in the name of somebody else, which would hide who it was",
}


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach one API server.

    Args:
        url: the beginning of every address.
        tls: whom to trust, and our own certificate if there is one; None for plain http to a loopback address.
        tls_name: the name in the server's certificate; empty for the host of the url.
        token: reads our token, anew for each call, for it is replaced while we run; empty without one.
            Raises InventoryFault or OSError when it cannot be read.
    """

    url: str
    tls: ssl.SSLContext | None
    tls_name: str
    token: Callable[[], str]


def read_kubeconfig(text: str, context: str, base: PurePath | None, secret: Secret) -> Access:
    """What a kubeconfig says about one context.

    Args:
        text: its YAML.
        context: name of the context; empty for the current one.
        base: folder from which the paths in it count; None where it has no place, and paths must be absolute.
        secret: reads what stands behind `file:PATH`.

    Raises InventoryFault, which holds nothing of the text but names.
    """
    file = _File(text, base, secret)
    chosen = file.named("context", context or file.current())
    cluster = file.named("cluster", _word(chosen, "cluster", "the context"))
    user = file.named("user", _word(chosen, "user", "the context"))
    url, plain = _server(cluster)
    token = _token(file, user)
    tls = None if plain else _tls(file, cluster, user)
    return Access(url, tls, _word(cluster, "tls-server-name", "the cluster", ""), token)


class _File:
    """A parsed kubeconfig."""

    def __init__(self, text: str, base: PurePath | None, secret: Secret) -> None:
        try:
            parsed = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError):  # whose texts would show a piece of the file
            parsed = None
        if not isinstance(parsed, Mapping) or "clusters" not in parsed:
            raise fault(SETTING, "is no kubeconfig in YAML")
        self._parsed: Mapping[object, object] = parsed
        self._base, self._secret = base, secret

    def current(self) -> str:
        return _word(self._parsed, "current-context", "the kubeconfig")

    def named(self, what: str, name: str) -> Mapping[object, object]:
        """The one context, cluster or user of that name."""
        listed = self._parsed.get(f"{what}s")
        for entry in listed if isinstance(listed, list) else []:
            if isinstance(entry, Mapping) and entry.get("name") == name:
                found = entry.get(what)
                if isinstance(found, Mapping):
                    return found
        raise fault(SETTING, f"holds no {what} {name!r}")

    def data(self, part: Mapping[object, object], name: str) -> str | None:
        """The PEM text under `NAME-data` (base64), else in the file that `NAME` names; None where there is neither."""
        if encoded := _word(part, f"{name}-data", "it", ""):
            try:
                return base64.b64decode(encoded, validate=True).decode("ascii")
            except (binascii.Error, ValueError):
                raise fault(SETTING, f"{name}-data is no base64 of a PEM text") from None
        path = _word(part, name, "it", "")
        return self.file(name, path)() if path else None

    def file(self, name: str, path: str) -> Callable[[], str]:
        """Reads a file that the kubeconfig names, whenever it is called."""
        if not PurePath(path).is_absolute() and self._base is None:
            raise fault(SETTING, f"{name} must be an absolute path, for this kubeconfig lies in no folder")
        whole = (self._base or PurePath()) / path
        return lambda: self._secret(f"file:{whole}")


def _server(cluster: Mapping[object, object]) -> tuple[str, bool]:
    """The address, and whether it is plain http."""
    if cluster.get("insecure-skip-tls-verify"):
        raise fault(SETTING, "insecure-skip-tls-verify is not possible: give certificate-authority-data instead")
    if cluster.get("proxy-url"):
        raise fault(SETTING, "proxy-url is not possible: we connect directly")
    url = _word(cluster, "server", "the cluster")
    try:
        plain = urlsplit(url).scheme == "http" and ipaddress.ip_address(urlsplit(url).hostname or "").is_loopback
        return check_url(SETTING, url, plain=plain), plain
    except (ValueError, InventoryFault):
        text = "server must be https://HOST without a name or password; http only to a loopback address like 127.0.0.1"
        raise fault(SETTING, text) from None


def _token(file: _File, user: Mapping[object, object]) -> Callable[[], str]:
    for name, why in REFUSED_OF_A_USER.items():
        if user.get(name):
            raise fault(SETTING, f"the user {why} ({name}): give the token of a service account instead")
    if path := _word(user, "tokenFile", "the user", ""):
        return file.file("tokenFile", path)
    token = _word(user, "token", "the user", "")
    if not token and not any(user.get(name) for name in ("client-certificate", "client-certificate-data")):
        raise fault(SETTING, "the user has neither a token nor a client certificate")
    if token and not is_token(token):
        raise fault(SETTING, "the token of the user holds other signs than a token may")
    return lambda: token


def _tls(file: _File, cluster: Mapping[object, object], user: Mapping[object, object]) -> ssl.SSLContext:
    context = trust(SETTING, file.data(cluster, "certificate-authority"))
    certificate, key = file.data(user, "client-certificate"), file.data(user, "client-key")
    if (certificate is None) != (key is None):
        raise fault(SETTING, "client-certificate and client-key go together")
    if certificate is not None and key is not None:
        identify(SETTING, context, certificate, key)
    return context


def is_token(text: str) -> bool:
    """Whether this may stand in a header: visible ASCII without spaces."""
    return bool(text) and all("!" <= sign <= "~" for sign in text)


def _word(part: Mapping[object, object], name: str, owner: str, default: str | None = None) -> str:
    """A member that is text. Raises InventoryFault when it is not, or is missing and has no default."""
    value = part.get(name, default)
    if value is None:
        if default is not None:
            return default
        raise fault(SETTING, f"{owner} has no {name}")
    if not isinstance(value, str):
        raise fault(SETTING, f"{name} must be text")
    return value
