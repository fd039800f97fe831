"""From sign-in to restored with no network but loopback, and no broker: nothing outside is needed, or even asked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab_fixtures import leave_out, need
from tests.offline.destinations import of_hook, of_strace
from tests.processes import ROOT

# What a person types: name and password, and six digits with them.
CODE = 6


def alone() -> list[str]:
    """What starts a program in a network namespace of its own."""
    command = ["unshare", "--net"] if os.getuid() == 0 else ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") is None or subprocess.run([*command, "true"], check=False).returncode:
        leave_out("no network namespace can be made here: that nothing outside is needed is not tested")
    return command


def test_nothing_outside_is_asked_from_sign_in_to_restored(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    need("chromium", "strace")
    walk = [*alone(), sys.executable, "-m", "tests.offline.walk", str(tmp_path)]
    done = subprocess.run(walk, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    with capfd.disabled():
        report(found)

    assert found["interfaces"] == ["lo"]
    for way, (count, outside) in {way: found[way] for way in ("by the audit hook", "by strace")}.items():
        assert count > 100, f"{way}: nothing was seen at all"
        assert outside == [], way
    assert found["password"]["says"] == "203.0.113.0/24 is reachable again"
    for way in ("passkey", "password and code"):
        assert " again" in found[way]["says"] or "is back" in found[way]["says"], found[way]
    # Three taps: the passkey, the action, and yes.
    assert (found["passkey"]["taps"], found["passkey"]["letters"]) == (3, 0)
    assert found["password and code"]["letters"] == found["password"]["letters"] + CODE
    assert found["complaints of the browser"] == []


def test_what_leads_outside_is_found_in_both_records(tmp_path: Path) -> None:
    folder, trace = tmp_path / "destinations", tmp_path / "strace"
    folder.mkdir()
    here = ["socket.connect ('127.0.0.1', 6379)", "socket.connect ('::1', 80, 0, 0)", "socket.connect '/run/x.sock'"]
    here += ["socket.getaddrinfo 'localhost'", "socket.getaddrinfo None", "socket.getaddrinfo b'127.79.95.1'"]
    there = [
        "socket.getaddrinfo 'idp.example'",
        "socket.connect ('192.0.2.1', 443)",
        "socket.sendto ('192.0.2.53', 53)",
    ]
    (folder / "1").write_text("\n".join(here + there))
    assert of_hook(folder) == (9, there)

    local = [
        '7<python> connect(4, {sa_family=AF_UNIX, sun_path="/run/x.sock"}, 32) = 0',
        '7<python> connect(4, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = 0',
        '8<grpc> connect(4, {sa_family=AF_INET6, inet_pton(AF_INET6, "::ffff:127.79.95.1", &sin6_addr)}, 28) = 0',
    ]
    daemon = '9<haproxy> connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("192.0.2.53")}, 16) = 0'
    outside = [daemon.replace("haproxy", "gunicorn"), local[2].replace("::ffff:127.79.95.1", "2001:db8::1")]
    trace.write_text("\n".join([*local, daemon, *outside]))
    assert of_strace(trace) == (5, outside)


def report(found: dict[str, dict[str, object]]) -> None:
    """The figures, beside the dots of the tests."""
    print()
    for way in ("passkey", "password and code", "password"):
        figures = found[way]
        print(
            f"from sign-in to a started run by {way}: {figures['seconds']} s, {figures['taps']} taps,"
            f" {figures['letters']} letters typed"
        )
    for way in ("by the audit hook", "by strace"):
        count, outside = found[way]
        print(f"connections and look-ups {way}: {count}, of them outside this machine: {outside}")
