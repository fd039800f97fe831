"""Certificates for stand-ins, made by the openssl program."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.lab_fixtures import need


@dataclass(frozen=True, slots=True)
class Identity:
    """A self-signed certificate and its key, as files; whoever trusts the certificate trusts its holder."""

    certificate: Path
    key: Path

    def server(self, clients: Path | None = None) -> ssl.SSLContext:
        """What a server shows. With `clients` it lets in only those whose certificate that is."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        if clients is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients)
        return context


def make_identity(directory: Path, name: str, *names: str) -> Identity:
    """An identity whose certificate holds these subject alternative names, such as `IP:127.0.0.1`; good for a day."""
    need("openssl")
    made = Identity(directory / f"{name}.crt", directory / f"{name}.key")
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    subject = ["-subj", f"/CN={name}", "-addext", f"subjectAltName={','.join(names)}"]
    files = ["-keyout", str(made.key), "-out", str(made.certificate)]
    subprocess.run(["openssl", "req", "-x509", *kind, *subject, *files], check=True, capture_output=True)
    return made
