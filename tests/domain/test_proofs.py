"""What each stage of a plan is judged by."""

from __future__ import annotations

from dataclasses import replace

from incidents.domain.changes import Change, State
from incidents.domain.plans import Plan
from incidents.domain.proofs import Proofs, Role, Wanted
from incidents.domain.verdicts import Mark
from tests.domain.test_plans import NOW, TERMS

UP: State = {"advertised": True}
DOWN: State = {"advertised": False}


def change(location: str, aspect: str, before: State, after: State) -> Change:
    return Change("r", "name", location, "backend", f"{location}-{aspect}", aspect, "key", before, after)


def plan(*changes: Change, stages: tuple[tuple[int, ...], ...], **fields: object) -> Plan:
    made = Plan("a", 1, "shop", "operator", "d", TERMS, changes, stages, (), NOW, NOW)
    return replace(made, **fields)  # type: ignore[arg-type]


def weight(value: int) -> State:
    return {"weight": value, "mode": "ready"}


def test_a_restore_is_proven_at_each_place_and_a_withdrawal_by_silence() -> None:
    changes = (change("a", "route", DOWN, UP), change("b", "route", UP, DOWN))
    proofs = Proofs.of(plan(*changes, stages=((0,), (1,))))
    assert list(proofs.at("r", "a")) == [Wanted(0, Mark.PASS, Role.PROVE)]
    assert list(proofs.at("r", "b")) == [Wanted(1, Mark.FAIL, Role.PROVE)]
    assert list(proofs.at("r", "elsewhere")) == []


STEPS = (
    change("a", "weight", weight(0), weight(50)),
    change("a", "weight", weight(50), weight(100)),
)


def test_traffic_is_watched_everywhere_at_each_step_and_proven_after_the_last() -> None:
    proofs = Proofs.of(plan(*STEPS, stages=((0,), (1,))))
    assert list(proofs.at("r", "a")) == [Wanted(0, Mark.PASS, Role.KEEP), Wanted(1, Mark.PASS, Role.PROVE)]
    # A location that the plan leaves alone, for it is not ready or a standby, proves nothing.
    assert [wanted.role for wanted in proofs.at("r", "b")] == [Role.KEEP, Role.KEEP]


def test_a_location_that_is_emptied_proves_nothing_but_must_not_get_worse() -> None:
    emptied = (change("a", "weight", weight(100), weight(0)),)
    proofs = Proofs.of(plan(*emptied, stages=((0,),)))
    assert list(proofs.at("r", "a")) == [Wanted(0, Mark.PASS, Role.KEEP)]
    assert list(proofs.at("r", "b")) == [Wanted(0, Mark.PASS, Role.PROVE)]


def test_an_undo_of_what_was_up_is_only_looked_at() -> None:
    """Going back to a bad deploy cannot be proven to work, and must still end; traffic must leave nobody worse off."""
    deploy = change("a", "deploy", {"template": 2}, {"template": 1})
    assert Proofs.of(plan(deploy, stages=((0,),), undo_of="run")).at("r", "a")[0].role is Role.LOOK
    traffic = Proofs.of(plan(*STEPS, stages=((0,), (1,)), undo_of="run"))
    assert {wanted.role for wanted in traffic.at("r", "b")} == {Role.KEEP}


def test_an_undo_of_an_announcement_is_proven_as_ever() -> None:
    proofs = Proofs.of(plan(change("a", "route", UP, DOWN), stages=((0,),), undo_of="run"))
    assert list(proofs.at("r", "a")) == [Wanted(0, Mark.FAIL, Role.PROVE)]


def test_a_hand_back_is_a_restore() -> None:
    proofs = Proofs.of(plan(*STEPS, stages=((0,), (1,)), undo_of="run", handing_back=True))
    assert [wanted.role for wanted in proofs.at("r", "a")] == [Role.KEEP, Role.PROVE]
