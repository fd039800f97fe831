"""`make up`: what it prints, that one can sign in with it, and that it leaves nothing behind."""

from __future__ import annotations

import http.cookiejar
import os
import re
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from incidents.lab.demo import PEOPLE
from tests.processes import ROOT, free_port, until

PERSON = re.compile(r"^user: (\S+)  password: (\S+)  \((.+)\)$", re.MULTILINE)
ENDED = 60


def environment(folder: Path, port: str) -> dict[str, str]:
    """Of a machine without any server of ours: the broker is the embedded one, the lab is simulated."""
    kept = {name: value for name, value in os.environ.items() if name in ("HOME", "LANG", "CI")}
    return {**kept, "PATH": "/nowhere", "VAR_DIR": str(folder), "PORT": port}


def start(folder: Path, port: str) -> subprocess.CompletedProcess[str]:
    """For starts that are expected to fail at once."""
    return subprocess.run(
        [sys.executable, "-m", "console.up"],
        env=environment(folder, port),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=ENDED,
        check=False,
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[bytes], Path, str]]:
    folder, port = tmp_path_factory.mktemp("up"), str(free_port())
    said = folder / "said"
    with said.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "console.up"],
            env=environment(folder / "var", port),
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        until(lambda: PERSON.search(said.read_text()) is not None or process.poll() is not None, ENDED)
        yield process, folder, port
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def children(pid: int) -> list[str]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.split()


def test_it_says_where_it_is_and_who_may_sign_in(demo: tuple[subprocess.Popen[bytes], Path, str]) -> None:
    _, folder, port = demo
    said = (folder / "said").read_text()
    assert f"\nhttp://localhost:{port}\n" in said
    people = PERSON.findall(said)
    assert people[0][0] == "shop-operator"
    assert "who has several things broken already" in people[0][2]
    assert {name for name, _, _ in people} == {person.name for person in PEOPLE}
    assert "routers: simulated (gobgpd" in said


def test_the_first_person_sees_what_is_broken(demo: tuple[subprocess.Popen[bytes], Path, str]) -> None:
    _, folder, port = demo
    name, password, _ = PERSON.findall((folder / "said").read_text())[0]
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    page = browser.open(f"http://127.0.0.1:{port}/sign-in", timeout=20).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token is not None
    fields = {"username": name, "password": password, "csrfmiddlewaretoken": token[1]}
    posted = urllib.parse.urlencode(fields).encode()
    home = browser.open(f"http://127.0.0.1:{port}/sign-in", posted, timeout=20).read().decode()
    assert "4 of the 11 things that we watch for you cannot be reached" in home
    assert "Demo: simulated routers" in home
    for verb in ("Re-advertise", "Put back the last good version of", "Shift traffic back for"):
        assert verb in home


def test_the_commands_that_it_names_for_another_shell_work(demo: tuple[subprocess.Popen[bytes], Path, str]) -> None:
    _, folder, _ = demo
    commands = re.findall(r"^\S.* manage\.py lab .+$", (folder / "said").read_text(), re.MULTILINE)
    names = [
        *("withdrawn", "withdrawn_unbound", "one_location", "takes_two", "bad_deploy", "traffic_stuck"),
        *("policy_blocks", "record_wrong", "keys_wrong", "everything"),
    ]
    said = [command.partition("  #")[0].partition(" lab ")[2] for command in commands]
    assert said == ["status", "heal", *(f"break {name}" for name in names)]

    def run(command: str) -> str:
        kept = {"PATH": os.environ["PATH"]}
        done = subprocess.run(["sh", "-c", command], env=kept, cwd=ROOT, capture_output=True, text=True, check=True)
        return done.stdout

    assert "damage: bad_deploy, traffic_stuck, withdrawn, withdrawn_unbound\n" in run(commands[0])
    assert run(commands[4]) == "done: 192.0.2.0/24 is withdrawn at edge-b only\n"
    assert run(commands[1]) == "everything is as it should be\n"
    assert "damage: none\n" in run(commands[0])


def test_what_it_writes_is_for_its_owner_only(demo: tuple[subprocess.Popen[bytes], Path, str]) -> None:
    _, folder, _ = demo
    private = [path for path in (folder / "var").rglob("*") if "static" not in path.parts]
    assert len(private) > 10
    for path in private:
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize(
    ("port", "says"),
    [("abc", "is no port"), ("99999", "is no port"), ("taken", "is in use"), ("", "is up in")],
)
def test_a_start_that_cannot_be_says_why(demo: tuple[subprocess.Popen[bytes], Path, str], port: str, says: str) -> None:
    _, folder, taken = demo
    chosen = {"taken": taken, "": str(free_port())}.get(port, port)
    refused = start(folder / "var", chosen)
    assert refused.returncode == 1
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = start(tmp_path / "file", str(free_port()))
    assert (refused.returncode, "Traceback" in refused.stderr) == (1, False)
    assert "Could not start" in refused.stderr


def test_interrupting_ends_everything_that_it_started(demo: tuple[subprocess.Popen[bytes], Path, str]) -> None:
    process, _, _ = demo
    assert len(children(process.pid)) >= 4
    started = children(process.pid)
    process.send_signal(signal.SIGINT)
    assert process.wait(ENDED) == 0
    assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []
