"""The lab: what it shows, what it breaks and heals, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from incidents.lab import collector
from incidents.lab.demo import PEOPLE
from incidents.lab.faults import LabFault
from incidents.lab.lab import Lab

TOP = Path(__file__).resolve().parent.parent.parent
EVERYWHERE = ["edge-a", "edge-b", "edge-c"]
SERVANTS = ("collector", "balancer", "origins", "deployer", "nameserver")
PARTS = ("routers", "repository", "balancer", "nameserver")
SECONDS_A_LOOK_IS_KEPT = 0.03
RUN_COMMAND = """
import sys, django
from django.conf import settings
settings.configure()
django.setup()
from console.management.commands.lab import Command
Command().run_from_argv(["manage.py", "lab", *sys.argv[1:]])
"""
COMMAND = [sys.executable, "-c", RUN_COMMAND]


@pytest.fixture(params=["real", "simulated"])
def any_lab(request: pytest.FixtureRequest) -> Lab:
    lab: Lab = request.getfixturevalue("healed_lab" if request.param == "real" else "simulated_lab")
    return lab


def greets(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), 2) as line:
            return line.recv(10) == b"ok\n"
    except OSError:
        return False


def until(true: Callable[[], bool], seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


def test_it_comes_up_whole(any_lab: Lab) -> None:
    status = any_lab.status()
    assert status["kind"] == any_lab.facts()["kind"]
    assert len(status["visible"]) == 8
    assert all(places == EVERYWHERE for places in status["visible"].values())
    assert all(places == EVERYWHERE for places in status["bound"].values())
    assert status["sessions"] == dict.fromkeys(EVERYWHERE, True)
    assert {name: part["real"] for name, part in status["parts"].items()} == dict.fromkeys(
        PARTS, status["kind"] == "real"
    )
    assert set(status["processes"]) == {"world"} | ({*EVERYWHERE, *SERVANTS} if status["kind"] == "real" else set())
    assert status["scenarios"] == []


def test_every_service_answers_and_says_nothing_once_its_prefix_is_gone(any_lab: Lab) -> None:
    services = any_lab.facts()["services"]
    assert all(greets(address) for places in services.values() for address in places.values())
    any_lab.break_("withdrawn")
    time.sleep(SECONDS_A_LOOK_IS_KEPT)
    silent = {prefix for prefix, places in services.items() if not any(map(greets, places.values()))}
    assert silent == {"203.0.113.0/24"}


@pytest.mark.parametrize(
    ("scenario", "prefix", "visible", "bound"),
    [
        ("withdrawn", "203.0.113.0/24", [], EVERYWHERE),
        ("withdrawn_unbound", "198.51.100.0/24", [], []),
        ("one_location", "192.0.2.0/24", ["edge-a", "edge-c"], EVERYWHERE),
        ("takes_two", "198.18.20.0/24", [], EVERYWHERE),
    ],
)
def test_scenarios(any_lab: Lab, scenario: str, prefix: str, visible: list[str], bound: list[str]) -> None:
    before = any_lab.status()
    any_lab.break_(scenario)
    any_lab.break_(scenario)
    after = any_lab.status()
    assert after["visible"] == {**before["visible"], prefix: visible}
    assert after["bound"] == {**before["bound"], prefix: bound}
    assert after["scenarios"] == [scenario]
    any_lab.heal()
    assert any_lab.status() == before


def test_a_service_needs_its_binding_as_well_as_its_route(simulated_lab: Lab) -> None:
    simulated_lab.break_("withdrawn_unbound")
    facts = simulated_lab.facts()
    with socket.create_connection(("127.0.0.1", int(facts["world"]["address"].rpartition(":")[2])), 2) as line:
        for place in EVERYWHERE:
            put = {"op": "put", "backend": f"router-{place}", "states": {"198.51.100.0/24": {"advertised": True}}}
            line.sendall(json.dumps(put).encode() + b"\n")
            line.recv(100)
    assert simulated_lab.status()["visible"]["198.51.100.0/24"] == EVERYWHERE
    assert not any(map(greets, facts["services"]["198.51.100.0/24"].values()))


def test_an_unknown_scenario_lists_the_choices(simulated_lab: Lab) -> None:
    choices = "withdrawn, withdrawn_unbound, one_location, takes_two, bad_deploy, traffic_stuck, policy_blocks, "
    with pytest.raises(LabFault, match=f"{choices}record_wrong, keys_wrong, everything$"):
        simulated_lab.break_("earthquake")


def test_a_large_lab(tmp_path: Path) -> None:
    with Lab(tmp_path, prefixes=1100, simulated=True) as lab:
        inventory = yaml.load(Path(lab.facts()["inventory"]).read_text(), yaml.CSafeLoader)
        shop = inventory["organizations"][0]["resources"]
        prefixes = [resource for resource in shop if resource["kind"] == "prefix"]
        assert len(prefixes) == 1106
        assert len(lab.status()["visible"]) == 1108
        assert [watch["probe"] for watch in prefixes[-1]["watch"]] == ["collector"] * 3
        assert {binding["aspect"] for binding in prefixes[-1]["bindings"]} == {"route"}


def test_the_inventory_fits_together(any_lab: Lab) -> None:
    text = Path(any_lab.facts()["inventory"]).read_text()
    assert "&id" not in text  # an alias, which no inventory may hold
    inventory = yaml.safe_load(text)
    places = {place["name"] for place in inventory["locations"]}
    backends = {backend["name"]: backend["kind"] for backend in inventory["backends"]}
    real = any_lab.facts()["kind"] == "real"
    kinds_of_backends = ("gobgp", "git", "git-document", "haproxy", "powerdns") if real else ("simulated",) * 5
    router, repository, documents, balancer, dns = kinds_of_backends
    assert backends == {
        **{f"router-{place}": router for place in EVERYWHERE},
        "registry": "simulated",
        "shop-repo": repository,
        "balancer": balancer,
        "shop-policies": documents,
        "shop-keys": documents,
        "dns": dns,
    }
    listed = [probe["name"] for probe in inventory["probes"]]
    assert listed == ["collector", "tcp", "web", "front", "gate", "sign-in", "names"]
    probes = {"prefix": {"collector", "tcp"}, "service": {"web"}, "pool": {"front"}}
    probes |= {"policy": {"gate"}, "record": {"names"}, "keys": {"sign-in"}}
    for organization in inventory["organizations"]:
        for resource in organization["resources"]:
            assert {binding["backend"] for binding in resource["bindings"]} <= set(backends)
            # A record is one for the whole world, and looked up at every location.
            bound = {"edge-a"} if resource["kind"] == "record" else places
            assert {binding["location"] for binding in resource["bindings"]} == bound
            assert {watch["location"] for watch in resource["watch"]} == places
            assert {watch["probe"] for watch in resource["watch"]} == probes[resource["kind"]]
    assert [person["name"] for person in inventory["people"]] == [person.name for person in PEOPLE]
    kinds = [resource["kind"] for resource in inventory["organizations"][0]["resources"]]
    assert kinds == ["prefix"] * 6 + ["service", "pool", "policy", "record", "keys"]
    assert {approval["organization"] for approval in inventory["preapprovals"]} == {"example-shop", "example-bank"}
    [whole] = [approval for approval in inventory["preapprovals"] if approval["action"] == "restore_to"]
    owned = [resource["name"] for resource in inventory["organizations"][0]["resources"]]
    assert (whole["organization"], whole["tier"], sorted(whole["resources"])) == ("example-shop", 2, sorted(owned))
    assert sorted(whole["proof"]["probes"]) == sorted(listed)


def test_secrets_are_readable_by_us_alone_and_in_no_other_file_for_all(simulated_lab: Lab) -> None:
    folder = simulated_lab.directory / "passwords"
    secrets = {file.name: file.read_text() for file in folder.iterdir()}
    assert set(secrets) == {*(person.name for person in PEOPLE), "registry-token", "dns-api-key", "sign-in-key"}
    assert len(set(secrets.values())) == len(secrets)
    assert folder.stat().st_mode & 0o077 == 0
    for file in simulated_lab.directory.rglob("*"):
        if file.is_file() and file.stat().st_mode & 0o077:
            assert not any(secret in file.read_text() for secret in secrets.values()), file


def test_passwords_stay_over_a_restart(tmp_path: Path) -> None:
    password = tmp_path / "passwords" / "shop-operator"
    with Lab(tmp_path, simulated=True):
        first = password.read_text()
    with Lab(tmp_path, simulated=True):
        assert password.read_text() == first


def test_one_lab_a_directory(simulated_lab: Lab) -> None:
    with pytest.raises(LabFault, match=r"a lab is up in .* already"):
        Lab(simulated_lab.directory, simulated=True).up()
    assert simulated_lab.status()["kind"] == "simulated"


def test_a_port_in_use_is_a_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LabFault, match=f"port {port} of 127.0.0.1 is in use"):
            Lab(tmp_path, simulated=True, port=port).up()
    with Lab(tmp_path, simulated=True, port=port) as lab:
        assert lab.facts()["world"]["address"] == f"127.0.0.1:{port}"


def test_a_directory_that_is_none_is_a_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LabFault, match="cannot be used"):
        Lab(tmp_path / "file" / "lab").up()


def test_nothing_is_up_yet(tmp_path: Path) -> None:
    for verb in (Lab(tmp_path).status, Lab(tmp_path).heal, lambda: Lab(tmp_path).break_("withdrawn")):
        with pytest.raises(LabFault, match="no lab is up"):
            verb()


def test_a_long_directory_still_has_sockets(healed_lab: Lab, tmp_path: Path) -> None:
    directory = tmp_path / ("long" * 12) / ("longer" * 10)
    with Lab(directory) as lab:
        socket_of_bird = lab.facts()["collector"]["socket"]
        assert len(socket_of_bird) < 108
        assert len(collector.established(Path(socket_of_bird))) == 3
        assert len(lab.facts()["balancer"]["socket"]) < 108
        assert len(lab.status()["origins"]) == 3
        assert {one["ours"] for one in lab.status()["names"].values()} == {True}


@pytest.fixture
def supervisor(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """`manage.py lab up` as a process of its own, without the console's settings."""
    options: list[str] = getattr(request, "param", ["--simulated", "--scenario", "withdrawn"])
    process = subprocess.Popen(
        [*COMMAND, "up", "--dir", str(tmp_path / "lab"), *options],
        cwd=TOP,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], cwd=TOP, capture_output=True, text=True, check=False)


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def children(directory: Path) -> list[int]:
    return [program["pid"] for program in json.loads((directory / "lab.json").read_text())["processes"].values()]


def alive(pid: int) -> bool:
    """Not gone, and not a zombie that waits for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_command(supervisor: subprocess.Popen[str], tmp_path: Path) -> None:
    directory = str(tmp_path / "lab")
    assert line_of(supervisor) == f"the lab is up in {directory}\n"
    for part in PARTS:
        assert line_of(supervisor) == f"{part}: simulated (asked for)\n"
    assert line_of(supervisor) == "done: 203.0.113.0/24 is withdrawn at every location\n"
    status = run("status", "--dir", directory)
    assert status.returncode == 0
    assert "203.0.113.0/24: seen from nowhere" in status.stdout
    assert "7 of 8 prefixes" in status.stdout
    wrong = run("break", "earthquake", "--dir", directory)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)
    assert "choose one of: withdrawn" in wrong.stderr
    again = run("up", "--dir", directory)
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    for scenario in ("bad_deploy", "traffic_stuck", "policy_blocks", "record_wrong", "keys_wrong"):
        assert run("break", scenario, "--dir", directory).returncode == 0
    broken = run("status", "--dir", directory).stdout
    facts = json.loads((tmp_path / "lab" / "lab.json").read_text())
    page, front = facts["repository"]["pages"]["edge-a"], facts["balancer"]["fronts"]["edge-c"]
    assert f"checkout page in edge-a: http://{page}/ answers 500, release 1.43" in broken
    assert f"web shop from edge-c: http://{front}/ answers 503" in broken
    gate, sign_in = facts["repository"]["gates"]["edge-b"], facts["repository"]["sign_ins"]["edge-b"]
    assert f"entrance of the shop in edge-b: http://{gate}/ answers 403" in broken
    assert f"sign-in of customers in edge-b: http://{sign_in}/ answers 403" in broken
    server, wrong = facts["nameserver"]["servers"]["edge-a"], facts["nameserver"]["home"]["wrong"]
    assert f"www.shop.example from edge-a ({server}): leads to {wrong}, which answers 200 and is not ours" in broken
    assert "origin-a: weight 0, ready, well" in broken
    assert "origin-b: weight 100, ready, fails its checks" in broken
    assert f"programs: world {facts['processes']['world']['pid']}\n" in broken
    assert run("heal", "--dir", directory).returncode == 0
    healed = run("status", "--dir", directory).stdout
    assert "8 of 8 prefixes" in healed
    assert (healed.count("answers 200\n"), healed.count("weight 100, ready, well")) == (12, 3)
    pids = children(tmp_path / "lab")
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(5) == 0
    assert not any(map(alive, pids))
    assert not (tmp_path / "lab" / "lab.json").exists()


@pytest.mark.parametrize("supervisor", [["--simulated"], []], ids=["simulated", "real"], indirect=True)
def test_a_supervisor_that_is_killed_hard_leaves_nobody_behind(
    supervisor: subprocess.Popen[str], tmp_path: Path
) -> None:
    line_of(supervisor)
    pids = children(tmp_path / "lab")
    for pid in list(pids):
        found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
        pids += map(int, found.stdout.split())
    assert all(map(alive, pids))
    os.kill(supervisor.pid, signal.SIGKILL)
    assert until(lambda: not any(map(alive, pids)))
