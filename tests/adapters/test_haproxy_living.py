"""HAProxy at work: whom visitors reach, and what is left after a reload."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from incidents.adapters.haproxy_file import StateFile
from incidents.adapters.haproxy_servers import Reading, read
from incidents.domain.changes import Cause, Reply, State
from incidents.lab import ports
from tests.adapters.haproxies import Proxy, haproxy, origins, proxy, visit
from tests.adapters.support import change

CAUSE = Cause("k")
A, B = "shop/edge-a", "shop/edge-b"
OPEN: State = {"weight": 100, "mode": "ready"}
ZERO: State = {"weight": 0, "mode": "ready"}
DRAIN: State = {"weight": 100, "mode": "drain"}
MAINT: State = {"weight": 100, "mode": "maint"}
POOL = """
backend shop
  server edge-a 192.0.2.1:80 weight 100
  server edge-b 192.0.2.2:80 weight 100
"""
OTHER_WEIGHT = POOL.replace("edge-a 192.0.2.1:80 weight 100", "edge-a 192.0.2.1:80 weight 50")


def make_so(adapter_address: str, key: str, before: State, after: State, **settings: object) -> tuple[Reply, str]:
    (receipt,) = haproxy(adapter_address, [key], settings=settings).apply([change(key, after, before)], CAUSE)
    return receipt.reply, receipt.detail


# Traffic


@pytest.fixture(scope="module")
def shop() -> Iterator[tuple[Proxy, int]]:
    """Two real servers behind a HAProxy that keeps sessions by a cookie; and the port for visitors."""
    port = ports.free_port("127.0.0.1")
    with origins("a", "b") as behind:
        pool = f"""
frontend visitors
  bind 127.0.0.1:{port}
  default_backend shop
backend shop
  balance roundrobin
  cookie at insert indirect nocache
  server edge-a 127.0.0.1:{behind["a"].port} weight 100 cookie a
  server edge-b 127.0.0.1:{behind["b"].port} weight 100 cookie b
"""
        with proxy(pool) as made:
            yield made, port


@pytest.mark.parametrize(
    ("away", "with_cookie"),
    [
        (ZERO, {"a": 4}),  # a session that is there goes on
        (DRAIN, {"a": 4}),
        (MAINT, {"b": 4}),
    ],
)
def test_traffic_goes_away_and_comes_back(shop: tuple[Proxy, int], away: State, with_cookie: dict[str, int]) -> None:
    made, port = shop
    assert visit(port, 20) == {"a": 10, "b": 10}
    assert make_so(made.tcp, A, OPEN, away)[0] is Reply.ACCEPTED
    assert visit(port, 20) == {"b": 20}
    assert visit(port, 4, "at=a") == with_cookie
    assert make_so(made.tcp, A, away, OPEN)[0] is Reply.ACCEPTED
    back = visit(port, 40)
    assert 18 <= back["a"] <= 22
    assert back.total() == 40


def test_weights_are_shares(shop: tuple[Proxy, int]) -> None:
    made, port = shop
    less = {**OPEN, "weight": 25}
    assert make_so(made.tcp, A, OPEN, less)[0] is Reply.ACCEPTED
    assert 18 <= visit(port, 100)["a"] <= 22
    assert make_so(made.tcp, A, less, OPEN)[0] is Reply.ACCEPTED


def test_nobody_answers_where_all_are_closed(shop: tuple[Proxy, int]) -> None:
    made, port = shop
    batch = [change(key, ZERO, OPEN) for key in (A, B)]
    adapter = haproxy(made.tcp, [A, B])
    adapter.apply(batch, CAUSE)
    assert visit(port, 3) == {"none": 3}
    adapter.apply([one.reversed() for one in batch], CAUSE)
    assert visit(port, 3)["none"] == 0


# Reloads

KEEPING = ("server-state-file HERE/state", "load-server-state-from-file global")
HALF: State = {"weight": 40, "mode": "drain"}


def seen(made: Proxy) -> dict[str, State]:
    return read(made.ask("show servers state").removesuffix("\n\n")).settings()


@pytest.mark.parametrize("kept", [True, False])
def test_the_state_survives_a_reload_by_its_file_and_only_by_it(kept: bool) -> None:
    with proxy(POOL, *KEEPING, master=True) as made:
        settings = {"state_file": str(made.directory / "state")} if kept else {}
        assert make_so(made.unix, A, OPEN, HALF, **settings) == (Reply.ACCEPTED, "")
        assert make_so(made.unix, B, OPEN, {**OPEN, "weight": 7}, **settings) == (Reply.ACCEPTED, "")
        before = seen(made)
        assert before == {A: HALF, B: {**OPEN, "weight": 7}}
        made.reload()
        assert seen(made) == (before if kept else {A: OPEN, B: OPEN})


def test_a_weight_that_the_configuration_changes_is_the_configurations() -> None:
    """What docs/backends/haproxy.md says of it."""
    with proxy(POOL, *KEEPING) as made:
        make_so(made.unix, A, OPEN, HALF, state_file=str(made.directory / "state"))
        made.stop()
        made.configure(OTHER_WEIGHT)
        made.start()
        assert seen(made)[A] == {"weight": 50, "mode": "drain"}


# The file


@pytest.fixture(scope="module")
def made() -> Iterator[Proxy]:
    with proxy(POOL) as running:
        yield running


@pytest.fixture
def pool(made: Proxy) -> Proxy:
    for key in (A, B):
        made.ask(f"set server {key} state ready;set server {key} weight 100")
    return made


def test_the_file_is_what_haproxy_shows(pool: Proxy, tmp_path: Path) -> None:
    file = tmp_path / "state"
    assert make_so(pool.tcp, A, OPEN, HALF, state_file=str(file)) == (Reply.ACCEPTED, "")
    text = file.read_text()
    assert text.startswith("1\n# be_id ")
    assert text.endswith("\n\n")
    assert read(text.removesuffix("\n\n")).settings() == {A: HALF, B: OPEN}
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [file]


def test_its_mode_is_kept_and_a_link_stays_a_link(pool: Proxy, tmp_path: Path) -> None:
    file, link = tmp_path / "state", tmp_path / "link"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    assert make_so(pool.tcp, A, OPEN, HALF, state_file=str(link)) == (Reply.ACCEPTED, "")
    assert link.is_symlink()
    assert "edge-a" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_change_stands_where_the_file_cannot_be_written(pool: Proxy, tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none" / "state", "No such file"), (tmp_path, "no plain file")):
        reply, detail = make_so(pool.tcp, A, OPEN, HALF, state_file=str(path))
        assert reply is Reply.ACCEPTED
        assert "will not survive a reload" in detail
        assert why in detail
        assert seen(pool)[A] == HALF
        assert make_so(pool.tcp, A, HALF, OPEN)[0] is Reply.ACCEPTED
    assert list(tmp_path.iterdir()) == []


def test_asking_again_mends_a_file_that_could_not_be_written(pool: Proxy, tmp_path: Path) -> None:
    file = tmp_path / "later" / "state"
    make_so(pool.tcp, A, OPEN, HALF, state_file=str(file))
    file.parent.mkdir()
    assert make_so(pool.tcp, A, OPEN, HALF, state_file=str(file)) == (Reply.ACCEPTED, "")
    assert read(file.read_text().removesuffix("\n\n")).settings()[A] == HALF


def test_what_was_refused_writes_no_file(pool: Proxy, tmp_path: Path) -> None:
    file = tmp_path / "state"
    assert make_so(pool.tcp, A, {**OPEN, "weight": 3}, HALF, state_file=str(file))[0] is Reply.REFUSED
    assert not file.exists()


def test_whoever_writes_last_writes_what_is(pool: Proxy, tmp_path: Path) -> None:
    """Between our reading and our writing another one changes a server and writes the file."""
    file = StateFile(tmp_path / "state")

    def look() -> Reading:
        return read(pool.ask("show servers state").removesuffix("\n\n"))

    old = look()
    pool.ask(f"set server {A} weight 5")
    file.keep(look(), look)
    file.keep(old, look)
    assert read(file.path.read_text().removesuffix("\n\n")).settings() == {A: {**OPEN, "weight": 5}, B: OPEN}


def test_many_writers_leave_the_truth(pool: Proxy, tmp_path: Path) -> None:
    path = str(tmp_path / "state")

    def work(key: str) -> None:
        adapter, before = haproxy(pool.tcp, [key], budget_seconds=20, settings={"state_file": path}), OPEN
        for weight in range(1, 16):
            after = {**OPEN, "weight": weight}
            assert adapter.apply([change(key, after, before)], CAUSE)[0].reply is Reply.ACCEPTED
            before = after

    threads = [threading.Thread(target=work, args=(key,)) for key in (A, B)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read(Path(path).read_text().removesuffix("\n\n")).settings() == seen(pool)
    assert seen(pool) == {key: {**OPEN, "weight": 15} for key in (A, B)}
