"""Plans freeze to one digest and divide into stages without losing a change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.domain.changes import Change
from incidents.domain.plans import Plan, stage_out, thaw
from incidents.domain.terms import Terms, Window
from incidents.domain.verdicts import Proof

NOW = datetime(2026, 2, 20, 18, 0, tzinfo=UTC)
TERMS = Terms(
    tier=1,
    stages=("1", "25%", "100%"),
    steps=(10, 50, 100),
    minimum_percent=50,
    most_resources=10,
    tolerate=0,
    expire=timedelta(minutes=15),
    usual=(timedelta(seconds=1), timedelta(seconds=30)),
    snapshot_age=timedelta(days=30),
    organization_window=Window(20, 60),
    platform_window=Window(200, 60),
    flap=timedelta(minutes=15),
    rpki="",
    probes=("collector",),
    proof=Proof(),
)


def change(location: str, name: str = "203.0.113.0/24") -> Change:
    return Change(
        f"id-{name}", name, location, f"router-{location}", "1", "route", name, {"advertised": False},
        {"advertised": True, "next_hop": "192.0.2.1", "as_path": [64496]},
    )  # fmt: skip


PLAN = Plan(
    action="readvertise_prefix",
    action_version=1,
    organization="example-shop",
    person="shop-operator",
    preapproval="0" * 64,
    terms=TERMS,
    changes=(change("edge-a"), change("edge-b")),
    stages=((0,), (1,)),
    left_out=("edge-c",),
    proposed_at=NOW,
    expires_at=NOW + timedelta(minutes=10),
)


def test_a_plan_thaws_to_what_was_frozen() -> None:
    body, digest = PLAN.freeze()
    assert thaw(body, digest) == PLAN


def test_a_plan_with_other_bytes_is_refused() -> None:
    body, digest = PLAN.freeze()
    with pytest.raises(ValueError, match="digest differs"):
        thaw(body.replace(b"edge-b", b"edge-d"), digest)


@pytest.mark.parametrize(
    "other", [{"person": "viewer"}, {"undo_of": "x"}, {"consent": "x"}, {"changes": (change("edge-a"),)}]
)
def test_every_part_is_in_the_digest(other: dict[str, object]) -> None:
    assert replace(PLAN, **other).freeze()[1] != PLAN.freeze()[1]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("locations", "waves", "sizes"),
    [
        (1, ["1", "25%", "100%"], [1]),
        (3, ["1", "25%", "100%"], [1, 2]),
        (8, ["1", "25%", "100%"], [1, 1, 6]),
        (8, ["1"], [1, 7]),
        (8, ["100%"], [8]),
        (4, ["2", "1", "100%"], [2, 2]),
    ],
)
def test_stages(locations: int, waves: list[str], sizes: list[int]) -> None:
    slugs = [f"edge-{number}" for number in range(locations)]
    assert [len(stage) for stage in stage_out([change(slug) for slug in slugs], slugs, waves)] == sizes


@given(
    st.lists(st.sampled_from("abcdefgh"), max_size=30),
    st.permutations("abcdef"),
    st.lists(st.sampled_from(["1", "2", "10%", "50%", "100%"]), max_size=4),
)
def test_every_change_is_in_exactly_one_stage(where: list[str], order: list[str], waves: list[str]) -> None:
    stages = stage_out([change(location) for location in where], order, waves)
    assert sorted(index for stage in stages for index in stage) == list(range(len(where)))
    visited = [{where[index] for index in stage} for stage in stages]
    assert sum(len(names) for names in visited) == len(set(where))
