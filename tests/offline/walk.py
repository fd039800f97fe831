"""From sign-in to restored in a browser, three times: by password, by passkey, and by password and code.

Run inside a network namespace that has nothing but loopback: `python -m tests.offline.walk FOLDER`. The console is the
demo's own, with web, worker, poller and lab, and the address of a broker that is not there. Prints one JSON object.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.browser import Browser, chromium
from tests.codes import code_of, settle
from tests.offline.destinations import of_hook, of_strace
from tests.passkeys import add_authenticator
from tests.processes import ROOT, free_port

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1  # linux/sockios.h, linux/if.h
PERSON = re.compile(r"^user: (shop-operator)  password: (\S+)", re.MULTILINE)
PATIENCE = 180.0


class Counted:
    """A person at the browser, whose taps and letters are counted."""

    def __init__(self, browser: Browser) -> None:
        self.browser, self.taps, self.letters = browser, 0, 0

    def tap(self, words: str) -> None:
        self.taps += 1
        self.browser.click(words)

    def type(self, name: str, text: str) -> None:
        self.letters += len(text)
        self.browser.fill(name, text)


def main(folder: Path) -> int:
    raise_loopback()
    with console(folder) as (url, name, password), chromium() as browser:
        add_authenticator(browser)
        browser.size(390)
        found: dict[str, Any] = {"interfaces": interfaces()}
        found["password"] = rescue(
            browser, url, "Re-advertise 203.0.113.0/24", lambda who: by_name(who, name, password)
        )
        add_passkey(browser, url, name, password)
        found["passkey"] = rescue(browser, url, "Put back the last good version", lambda who: who.tap("Use a passkey"))
        secret = add_app(browser, url)
        found["password and code"] = rescue(
            browser, url, "Shift traffic back", lambda who: by_code(who, name, password, secret)
        )
        found["complaints of the browser"] = browser.violations
    found["by the audit hook"] = of_hook(folder / "destinations")
    traced = folder / "strace"
    found["by strace"] = of_strace(traced) if traced.exists() else None
    print(json.dumps(found))
    return 0


def rescue(browser: Browser, url: str, action: str, sign_in: Callable[[Counted], None]) -> dict[str, Any]:
    """Seconds, taps and letters from the sign-in page to a started run, and what the page says at its end."""
    browser.open(f"{url}/sign-in")
    who, began = Counted(browser), time.perf_counter()
    sign_in(who)
    who.tap(action)
    if browser.run("document.querySelector('#understood') !== null"):
        who.taps += 1
        browser.run("document.querySelector('#understood').click()")
    who.tap("now")
    started = time.perf_counter() - began
    assert browser.run("location.pathname").startswith("/runs/RUN-"), browser.text()
    browser.until("document.title.startsWith('Reachable again') || document.querySelector('.ended') !== null", 120)
    figures = {"seconds": round(started, 2), "taps": who.taps, "letters": who.letters, "says": title(browser)}
    browser.open(f"{url}/")
    browser.click("Sign out")
    return figures


def title(browser: Browser) -> str:
    found: str = browser.run("document.querySelector('h1').textContent.replace(/\\s+/g, ' ').trim()")
    return found


def by_name(who: Counted, name: str, password: str) -> None:
    who.type("username", name)
    who.type("password", password)
    who.tap("Sign in")


def by_code(who: Counted, name: str, password: str, secret: str) -> None:
    by_name(who, name, password)
    who.type("code", code_of(secret))
    who.tap("Sign in")


def add_passkey(browser: Browser, url: str, name: str, password: str) -> None:
    browser.open(f"{url}/sign-in")
    by_name(Counted(browser), name, password)
    browser.open(f"{url}/me/passkeys/add")
    browser.fill("name", "Phone")
    browser.click("Add a passkey")
    browser.click("I have written them down")
    browser.click("Sign out")


def add_app(browser: Browser, url: str) -> str:
    """The secret of the app; the code of now is not used by adding it."""
    browser.open(f"{url}/sign-in")
    browser.click("Use a passkey")
    browser.open(f"{url}/me/app/add")
    secret: str = browser.run("document.querySelector('code').textContent.replace(/ /g, '')")
    settle(20)
    browser.fill("code", code_of(secret, -1))
    browser.click("Add an authenticator app")
    browser.click("Sign out")
    return secret


@contextmanager
def console(folder: Path) -> Iterator[tuple[str, str, str]]:
    """The demo, traced. Gives its address by name, and the person who has something broken."""
    (folder / "destinations").mkdir()
    port, said = free_port(), folder / "said"
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'tests' / 'offline' / 'hook'}",
        "DESTINATIONS": str(folder / "destinations"),
        "VAR_DIR": str(folder / "var"),
        "PORT": str(port),
        # Nobody listens there.
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
    }
    for name in ("SECRET_KEY", "DATABASE_URL", "SECOND_FACTOR"):
        environment.pop(name, None)
    trace = [
        "strace",
        "-f",
        "-qq",
        "--seccomp-bpf",
        "--decode-pids=comm",
        "-e",
        "trace=connect",
        "-o",
        str(folder / "strace"),
    ]
    command = [*(trace if shutil.which("strace") else []), sys.executable, "-m", "console.up"]
    with said.open("w") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        end = time.monotonic() + PATIENCE
        while not (person := PERSON.search(said.read_text())):
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < end, said.read_text()
            time.sleep(0.1)
        yield f"http://localhost:{port}", person[1], person[2]
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)


def raise_loopback() -> None:
    """A new namespace has a loopback that is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        asked = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(line, SIOCGIFFLAGS, asked))[1]
        fcntl.ioctl(line, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def interfaces() -> list[str]:
    return [name for _, name in socket.if_nameindex()]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
