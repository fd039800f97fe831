"""Each scenario of the lab, as its users feel it: real clients before, during and after the rescue."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from bench.figures import percentile, say
from bench.ground import form_of, signed_in
from incidents.lab.lab import Lab

ROUNDS = 5
EVERY = 0.05
# Answers in a row, from every address, that mean "reachable again".
IN_A_ROW = 5
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is broken, which button helps, and whom to ask whether it has."""

    name: str
    action: str
    resource: str
    ask: Callable[[str], bool]
    addresses: Callable[[Lab], Sequence[str]]


@dataclass(slots=True)
class Users:
    """One client an address, each asking every 50 ms. `felt` holds (moment, whether it was served) by address."""

    ask: Callable[[str], bool]
    addresses: Sequence[str]
    felt: dict[str, list[tuple[float, bool]]] = field(default_factory=dict)
    _ended: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        for address in self.addresses:
            self.felt[address] = []
            thread = threading.Thread(target=self._keep_asking, args=(address,))
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _keep_asking(self, address: str) -> None:
        while not self._ended.wait(EVERY):
            at = time.perf_counter()
            self.felt[address].append((at, self.ask(address)))

    def all_well(self) -> bool:
        return all(len(felt) >= IN_A_ROW and all(good for _, good in felt[-IN_A_ROW:]) for felt in self.felt.values())

    def all_hurt(self) -> bool:
        return all(felt and not felt[-1][1] for felt in self.felt.values())

    def last_failure(self, since: float) -> float:
        """Seconds from that moment to the end of the last failed request, 0 when none failed."""
        return max(
            (at - since for felt in self.felt.values() for at, good in felt if at >= since and not good), default=0
        )

    def counts(self, since: float) -> tuple[int, int]:
        """How many requests failed since that moment, and how many there were."""
        answers = [good for felt in self.felt.values() for at, good in felt if at >= since]
        return answers.count(False), len(answers)


def served(address: str) -> bool:
    """Whether a page came."""
    connection = http.client.HTTPConnection(address, timeout=1)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def greeted(address: str) -> bool:
    """Whether the service behind a prefix said a word."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), 1) as line:
            return bool(line.recv(1))
    except OSError:
        return False


SCENARIOS = (
    Scenario(
        "withdrawn",
        "readvertise_prefix",
        "203.0.113.0/24",
        greeted,
        lambda lab: list(lab.facts()["services"]["203.0.113.0/24"].values()),
    ),
    Scenario(
        "bad_deploy",
        "revert_deploy",
        "checkout",
        served,
        lambda lab: list(lab.facts()["repository"]["pages"].values()),
    ),
    Scenario(
        "traffic_stuck",
        "shift_traffic_back",
        "shop-web",
        served,
        lambda lab: list(lab.facts()["balancer"]["fronts"].values()),
    ),
)


def rescue(lab: Lab) -> None:
    """Prints, for each scenario, the seconds from the tap until real clients are served again."""
    for scenario in SCENARIOS:
        rounds = [_one(lab, scenario) for _ in range(ROUNDS)]
        seconds = sorted(round_[0] for round_ in rounds)
        failed, asked = sum(round_[1] for round_ in rounds), sum(round_[2] for round_ in rounds)
        later = sum(round_[3] for round_ in rounds)
        say(
            f"{scenario.name}: tap to reachable again",
            f"median {percentile(seconds, 50):.2f} s",
            f"{seconds[0]:.2f} to {seconds[-1]:.2f} s",
        )
        say("  client requests that failed after the tap", f"{failed} of {asked} in {ROUNDS} rounds")
        say("  of them after they were first served again", str(later))


def _one(lab: Lab, scenario: Scenario) -> tuple[float, int, int, int]:
    """Seconds until served again; requests failed and made after the tap; failures after the first good answers."""
    from console.up.world import fill

    lab.heal()
    fill(lab.directory / "inventory.yaml")
    with Users(scenario.ask, scenario.addresses(lab)) as users:
        _wait(users.all_well, f"{scenario.name}: the lab is not well before it is broken")
        lab.break_(scenario.name)
        _wait(users.all_hurt, f"{scenario.name}: clients feel nothing")
        tapped = _tap(scenario)
        _wait(users.all_well, f"{scenario.name}: clients are not served again")
        again = users.last_failure(tapped)
        time.sleep(2)
        failed, asked = users.counts(tapped)
        later, _ = users.counts(tapped + again + EVERY)
    return again, failed, asked, later


def _tap(scenario: Scenario) -> float:
    """The two taps of a customer; returns the moment of the second."""
    from incidents.engine.poller import poll_once
    from incidents.models import Resource

    poll_once()
    client = signed_in()
    resource = Resource.objects.get(name=scenario.resource)
    address = f"/c/example-shop/actions/{scenario.action}?target={resource.pk}"
    form = form_of(client.get(address, headers={"accept-encoding": "identity"}).content.decode())
    tapped = time.perf_counter()
    answer = client.post(address, form)
    if answer.status_code != 303:
        raise RuntimeError(f"the run was not started: {answer.status_code}")
    return tapped


def _wait(until: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + PATIENCE
    while not until():
        if time.monotonic() > end:
            raise RuntimeError(otherwise)
        time.sleep(0.02)
