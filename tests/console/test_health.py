"""What load balancers and Prometheus are told: by real processes, with real broken parts."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import urllib3
import yaml
from django.db import connection
from django.test import Client
from django.urls import reverse
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from console.health import _figures
from console.metrics import expose
from incidents.audit import fence
from incidents.domain.runs import Outcome
from incidents.engine.heartbeat import beat
from incidents.engine.poller import Poller, poll_once
from incidents.models import Run
from incidents.selectors import health
from tests.postgres import Postgres, find_binaries
from tests.processes import ROOT, free_port, until, web
from tests.scene import Scene

TOKEN = "a token for the tests of the figures"
# A load balancer gives up after such a time; a database that hangs must be told before.
PATIENCE = 6.0


def ask(address: str) -> tuple[int, dict[str, object]]:
    """One question to /readyz."""
    answer = get(f"{address}/readyz")
    return answer.status, answer.json()


def get(address: str) -> urllib3.BaseHTTPResponse:
    return urllib3.request("GET", address, timeout=PATIENCE, retries=False)


@contextmanager
def only_read() -> Iterator[None]:
    """Nobody else can write to the database meanwhile."""
    if connection.vendor == "postgresql":
        name = connection.ops.quote_name(str(connection.settings_dict["NAME"]))
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
            yield
            cursor.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        return
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    yield
    other.close()


def test_ready_without_a_broker_and_not_without_a_database_to_write_to(committed: None) -> None:
    with web() as address:
        status, parts = ask(address)
        assert (status, parts["ready"], parts["database"], parts["migrations"]) == (200, True, "ok", "ok")
        assert parts["broker"] == "no answer; runs start by the sweep"
        assert (parts["worker"], parts["poller"]) == ("never seen", "never seen")
        beat()
        Poller()._on_duty()
        with only_read():
            until(lambda: ask(address)[0] == 503, 10)
            assert ask(address)[1]["database"] == "cannot be written to"
        until(lambda: ask(address)[0] == 200, 10)
        status, parts = ask(address)
        assert (parts["worker"], parts["poller"]) == ("ok", "ok")
        assert "127.0.0.1" not in str(parts)


def test_a_database_that_hangs_is_told_in_time_to_all_who_ask() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=50) as silent:
        url = f"postgresql://handrail:hunter2@127.0.0.1:{silent.getsockname()[1]}/handrail"
        with web(DATABASE_URL=url) as address, ThreadPoolExecutor(8) as many:
            for status, parts in many.map(ask, [address] * 8):
                assert (status, parts["database"]) == (503, "no answer")
                assert "hunter2" not in str(parts)
            assert get(f"{address}/livez").status == 200


@pytest.mark.skipif(find_binaries() is None, reason="PostgreSQL is not installed")
def test_a_server_that_freezes_is_told_and_heard_again_when_it_thaws() -> None:
    with Postgres() as server, web(DATABASE_URL=server.url) as address:
        # Nobody has migrated it, and that is told.
        status, parts = ask(address)
        assert (status, parts["database"]) == (503, "ok")
        assert str(parts["migrations"]).endswith(" missing")
        os.kill(server.pid, signal.SIGSTOP)
        try:
            until(lambda: ask(address)[1]["database"] == "no answer", 15)
        finally:
            os.kill(server.pid, signal.SIGCONT)
        until(lambda: ask(address)[1]["database"] == "ok", 30)


def test_a_database_that_is_not_there_is_told() -> None:
    with web(DATABASE_URL=f"postgresql://handrail@127.0.0.1:{free_port()}/handrail") as address:
        status, parts = ask(address)

    assert (status, parts["ready"], parts["database"]) == (503, False, "no answer")


def read(client: Client) -> dict[str, float]:
    """The figures, by the parser of Prometheus's own library: sample with its labels -> value."""
    answer = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return {
        ",".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_figures_move_when_a_run_ends(committed_scene: Scene, settings: Settings, client: Client) -> None:
    settings.METRICS_TOKEN = TOKEN
    beat()
    Poller()._on_duty()
    poll_once()
    before = read(client)
    committed_scene.break_()
    run = committed_scene.start()
    until(lambda: read(client)["handrail_runs_live"] == 1, 10)
    assert read(client)["handrail_queue_age_seconds"] > 0
    assert committed_scene.carry_on(run).outcome == Outcome.SUCCEEDED
    until(lambda: read(client)["handrail_runs_live"] == 0, 10)
    after = read(client)
    fence.lower_fence(connection)
    until(lambda: read(client)["handrail_fence_up,audit"] == 0, 10)

    assert (before["handrail_up"], before["handrail_build_info,0.1.0"]) == (1, 1)
    ended = "handrail_runs_total,readvertise_prefix,succeeded"
    assert after[ended] == before[ended] + 1 == 1
    assert after["handrail_runs_total,readvertise_prefix,failed"] == 0
    assert after["handrail_audit_entries_total"] > before["handrail_audit_entries_total"] > 0
    assert (before["handrail_incidents_open"], after["handrail_incidents_open"]) == (0, 1)
    assert (after["handrail_queue_age_seconds"], after["handrail_breakers_open"]) == (0, 0)
    assert (after["handrail_fence_up,audit"], after["handrail_fence_up,snapshots"]) == (1, 1)
    assert 0 <= after["handrail_measurement_age_seconds"] < 60
    assert 0 <= after["handrail_sweep_age_seconds"] < 60
    assert 0 <= after["handrail_poll_age_seconds"] < 60
    run.refresh_from_db()
    assert run.ended_at is not None
    took = "handrail_tap_to_verified_seconds"
    assert after[f"{took}_sum,readvertise_prefix"] == pytest.approx((run.ended_at - run.accepted_at).total_seconds())
    buckets = [value for name, value in after.items() if name.startswith(f"{took}_bucket,readvertise_prefix,")]
    assert len(buckets) == 11
    assert buckets == sorted(buckets)
    assert buckets[-1] == after[f"{took}_count,readvertise_prefix"] == 1
    assert not any("203.0.113" in name or "example-shop" in name for name in after)


def test_every_figure_is_told_and_alerts_name_only_those(db: None) -> None:
    page = (ROOT / "docs/operations.md").read_text()
    families = text_string_to_metric_families(expose(_figures()).decode())
    there = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    rows = re.findall(r"^\| `(handrail_[a-z_]+)[`{]", page, re.MULTILINE)
    assert sorted(rows) == sorted(there)
    scrape, alerts = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL))
    assert scrape["scrape_configs"][0]["metrics_path"] == reverse("metrics")
    rules = alerts["groups"][0]["rules"]
    assert len(rules) == 5
    for rule in rules:
        named = set(re.findall(r"handrail_[a-z_]+", rule["expr"]))
        assert named, rule
        assert named <= there, rule


def test_figures_are_read_by_an_index(committed_scene: Scene) -> None:
    if connection.vendor == "sqlite":
        plan = Run.objects.filter(ended_at__isnull=False).order_by().values("action", "outcome").explain()
        assert "COVERING INDEX run_ended" in plan
    assert health.runs_ended() == {}


def test_whoever_may_not_read_the_figures_finds_nothing(settings: Settings, client: Client, db: None) -> None:
    def status(**headers: str) -> int:
        return client.get("/metrics", headers=headers).status_code

    assert status() == status(authorization="Bearer ") == status(authorization="Bearer None") == 404
    settings.METRICS_TOKEN = TOKEN
    for wrong in (
        "",
        TOKEN,
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Basic {TOKEN}",
        "Bearer ünïcode",
        "Bearer " * 9,
    ):
        assert status(authorization=wrong) == 404, wrong
    settings.METRICS_TOKEN, settings.METRICS_NETWORKS = "", ["192.0.2.0/24", "2001:db8::/48"]
    assert status() == 404
    assert status(x_forwarded_for="192.0.2.7") == 404, "no proxy of ours stands before us"
    settings.METRICS_NETWORKS = ["127.0.0.0/8"]
    assert status() == 200
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    assert status(x_forwarded_for="127.0.0.1, 198.51.100.9") == 404, "the proxy saw another address"


def test_when_the_database_is_away_only_that_is_told() -> None:
    url = f"postgresql://handrail@127.0.0.1:{free_port()}/handrail"
    with web(DATABASE_URL=url, METRICS_NETWORKS="127.0.0.1/32") as address:
        text = get(f"{address}/metrics").data.decode()

    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        'handrail_build_info{version="0.1.0"} 1.0',
        "handrail_up 0.0",
    ]


@pytest.mark.parametrize("address", ["/livez", "/readyz", "/metrics"])
def test_they_are_not_sent_to_https(settings: Settings, client: Client, db: None, address: str) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.METRICS_NETWORKS = ["127.0.0.0/8"]

    assert client.get(address).status_code in (200, 503)
    assert client.get("/sign-in").status_code == 301
