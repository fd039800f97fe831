"""Moto's server as a process of its own, and what tests put into its Route 53.

Where moto is not like AWS, as far as it matters here: it keeps every CREATE of a zone for ever and refuses the same
one a second time, whether or not it was deleted since; a DELETE takes away every record set of the zone with that
SetIdentifier, whatever its name; it compares a DELETE with everything that ever was, not with what is; it knows no
NextRecordIdentifier, no protections, no PENDING, and looks at no signature. So each test makes zones of
its own, and what moto leaves out is asked of tests/fakes/route53.py.
"""

from __future__ import annotations

import http.client
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import botocore.session

from incidents.adapters.route53 import Route53
from incidents.lab import ports, processes
from tests.adapters.support import read_reference
from tests.fakes.route53 import ACCESS, SECRET

SECONDS_TO_START = 20
ARGUMENTS = ("-m", "moto.server", "-H", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class Moto:
    """A running server. `client` is botocore's own, to look and to change by another hand."""

    address: str
    log: Path
    client: Any
    _zones: Iterator[int] = field(default_factory=count)

    def zone(self) -> str:
        """A new zone `example.com.`; its id."""
        made = self.client.create_hosted_zone(Name="example.com.", CallerReference=f"test-{next(self._zones)}")
        return str(made["HostedZone"]["Id"].rpartition("/")[2])

    def put(self, zone: str, *records: Mapping[str, Any], action: str = "UPSERT") -> None:
        changes = [{"Action": action, "ResourceRecordSet": dict(record)} for record in records]
        self.client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})

    def changes(self, zone: str) -> int:
        """How often the zone was asked to change something, by the server's log."""
        return len(re.findall(rf"POST /2013-04-01/hostedzone/{zone}/rrset/? ", self.log.read_text()))


@contextmanager
def moto() -> Iterator[Moto]:
    """Ends with its context."""
    port = ports.free_port("127.0.0.1")
    address = f"127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="moto-") as directory:
        program = processes.start("moto", [sys.executable, *ARGUMENTS, "-p", str(port)], Path(directory))
        try:
            end = time.monotonic() + SECONDS_TO_START
            while not _answers(port):
                processes.check_alive([program])
                assert time.monotonic() < end, "moto did not come up"
                time.sleep(0.05)
            client = botocore.session.get_session().create_client(
                "route53",
                region_name="us-east-1",
                endpoint_url=f"http://{address}",
                aws_access_key_id=ACCESS,
                aws_secret_access_key=SECRET,
            )
            yield Moto(address, program.log, client)
            client.close()
        finally:
            processes.stop([program])


def _answers(port: int) -> bool:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        line.request("GET", "/moto-api/data.json")
        return line.getresponse().status == 200
    except OSError:
        return False
    finally:
        line.close()


def keys_in(directory: Path, **others: str) -> Mapping[str, object]:
    """The settings for files with keys."""
    given = {"access_key_id": ACCESS, "secret_access_key": SECRET, **others}
    for name, text in given.items():
        (directory / name).write_text(text)
    return {name: f"file:{directory / name}" for name in given}


def route53(
    address: str, keys: Sequence[str], budget_seconds: float = 3, settings: Mapping[str, object] | None = None
) -> Route53:
    """Of `settings` at least the two keys are needed."""
    return Route53.from_settings(
        name="dns",
        settings={"endpoint": f"http://{address}", **(settings or {})},
        secret=read_reference,
        keys=frozenset(keys),
        budget_seconds=budget_seconds,
    )
