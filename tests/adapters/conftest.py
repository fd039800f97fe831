"""Routers and worlds for the tests of adapters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from incidents.lab import processes
from incidents.lab.lab import Lab
from tests.adapters.birds import Router, router
from tests.adapters.motos import Moto, moto
from tests.adapters.pdnses import Pdns, pdns_server
from tests.adapters.subjects import Subject, subject_of, variants
from tests.adapters.support import start_gobgpd
from tests.fakes.gobgp import FakeGoBgp
from tests.lab_fixtures import need


@pytest.fixture(scope="session")
def gobgpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the gRPC interface of a real router."""
    need("gobgpd")
    edge, program = start_gobgpd(tmp_path_factory.mktemp("gobgpd"))
    yield edge.api
    processes.stop([program])


@pytest.fixture(scope="session")
def bird_router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    """A real bird without neighbours. Leave it without routes of ours."""
    with router(tmp_path_factory.mktemp("bird")) as started:
        yield started


@pytest.fixture(scope="session")
def moto_server() -> Iterator[Moto]:
    """Moto's server. Make zones of your own."""
    with moto() as started:
        yield started


@pytest.fixture(scope="session")
def pdns() -> Iterator[Pdns]:
    """A real PowerDNS. Make zones of your own in it, and leave the others alone."""
    with pdns_server() as started:
        yield started


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A simulated lab whose `registry` is the backend under test."""
    with Lab(tmp_path_factory.mktemp("world"), simulated=True) as lab:
        yield lab


@pytest.fixture
def fake() -> Iterator[FakeGoBgp]:
    server = FakeGoBgp().start()
    yield server
    server.stop()


@pytest.fixture(params=variants(), ids=" ".join)
def subject(request: pytest.FixtureRequest) -> Subject:
    return subject_of(request.param[0], request.param[1], request)
