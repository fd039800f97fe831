"""manage.py act: what is shown, asked and refused, and that the audit log names the person and the shell."""

from __future__ import annotations

import getpass
import json
from io import StringIO
from typing import Any, NamedTuple

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from console.management.commands import act
from incidents.domain.approvals import WORD_FOR_TWO
from incidents.domain.runs import Outcome, Phase, Step
from incidents.domain.verdicts import Mark
from incidents.models import Approval, AuditEntry, Plan, Run, StageVerdict
from incidents.services import factors
from tests import factories
from tests.codes import code_of
from tests.console.conftest import Shop, put, start_run
from tests.console.test_second_factor import enrol
from tests.factories import PASSWORD

pytestmark = pytest.mark.usefixtures("still_world")
ACTION, BROKEN = factories.ACTION, "203.0.113.0/24"
OPERATOR = ("--as", "shop-operator")


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


def say(*arguments: str) -> Said:
    out, err = StringIO(), StringIO()
    code = 0
    try:
        call_command(act.Command(stdout=out, stderr=err), *arguments)
    except SystemExit as end:
        code = int(str(end.code))
    return Said(code, out.getvalue(), err.getvalue())


def preview(*more: str) -> str:
    said = say("preview", ACTION, BROKEN, *OPERATOR, "--json", *more)
    digest: str = said.json["preview"]["digest"]
    return digest


def run(digest: str, *more: str, who: str = "shop-operator") -> Said:
    beforehand = ("--digest", digest, "--yes", "--no-watch")
    return say("run", ACTION, BROKEN, "--as", who, *beforehand, *more)


def recovery_codes() -> list[str]:
    codes: list[str] = RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).get_unused_codes()
    return codes


def entries(event: str) -> list[dict[str, Any]]:
    return [json.loads(bytes(row.body)) for row in AuditEntry.objects.filter(event=event)]


def agree_on(shop: Shop, tier: int, *, break_glass: bool = False) -> None:
    factories.agree_on(shop.preapproval, factories.make_terms(tier=tier, break_glass=break_glass).as_json())


def test_list_shows_what_is_broken_and_what_to_do(shop: Shop) -> None:
    said = say("list", *OPERATOR)

    assert said.code == 0
    assert "Example Shop (example-shop): 1 of your 3 prefixes cannot be reached" in said.out
    [line] = [line for line in said.out.splitlines() if line.startswith(BROKEN)]
    assert "not reachable  everywhere" in line
    assert line.endswith(ACTION)
    [organization] = say("list", *OPERATOR, "--organization", "example-shop", "--json").json["organizations"]
    assert [card["resource"] for card in organization["broken"]] == [BROKEN]
    assert organization["watched"] == 3


def test_a_viewer_is_told_whom_to_ask(shop: Shop) -> None:
    assert f"{ACTION}, which Robin of Example Shop may run" in say("list", "--as", "shop-viewer").out

    said = say("preview", ACTION, BROKEN, "--as", "shop-viewer")

    assert said.code == 1
    assert (
        "shop-viewer: You can see this but not change it. Ask Robin of Example Shop (they can), or call us." in said.err
    )
    [denied] = entries("access.denied")
    assert denied["actor"]["name"] == "shop-viewer"
    assert denied["data"] == {"method": "GET", "what": f"act preview {ACTION} {BROKEN}"}


def test_a_preview_changes_nothing_and_gives_the_digest(shop: Shop) -> None:
    said = say("preview", ACTION, BROKEN, *OPERATOR)

    assert said.code == 0
    assert "Nothing has changed yet." in said.out
    assert "Amsterdam  not advertised" in said.out
    assert f"UTC: {Plan.objects.get().digest}" in said.out
    assert not Run.objects.exists()


def test_what_was_shown_runs_in_the_name_of_the_person_and_of_the_shell(shop: Shop) -> None:
    digest = preview()

    said = run(digest, "--json", "--reason", "shop is down")

    row = Run.objects.get()
    assert (said.code, said.json["run"]["reference"]) == (3, row.reference)
    assert (row.plan_id, row.started_by, row.reason) == (digest, shop.operator, "shop is down")
    [accepted] = entries("run.accepted")
    assert accepted["actor"] == {
        "kind": "person",
        "id": str(shop.operator.pk),
        "name": "shop-operator",
        "by": {"command": "act", "user": getpass.getuser()},
    }
    # The same once more is the same run.
    assert run(digest, "--json").json["run"]["reference"] == row.reference
    assert Run.objects.count() == 1


def test_a_page_leaves_no_trace_of_a_shell(shop: Shop) -> None:
    start_run(shop, shop.broken)
    assert "by" not in entries("run.accepted")[0]["actor"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("list", "--as", "nobody-here"), 2, "There is nobody who signs in as nobody-here."),
        (("list", "--as", ""), 2, "There is nobody who signs in as ."),
        (("list", "--as", "nobody"), 1, "nobody may see no organization."),
        (("list", *OPERATOR, "--organization", "example-bank"), 2, "There is no organization example-bank that"),
        (("list", *OPERATOR, "--organization", "\x1b[31mred"), 2, "There is no organization �[31mred that"),
        (("preview", "readvertise", BROKEN, *OPERATOR), 2, "There is no action readvertise. Near it: readvertise_"),
        (("preview", "x", BROKEN, *OPERATOR), 2, "There are: readvertise_prefix, revert_deploy,"),
        (("preview", ACTION, "203.0.113.0/42", *OPERATOR), 2, "Near it: 203.0.113.0/24"),
        (("preview", ACTION, BROKEN, "--as", "bank-operator"), 2, f"There is no resource {BROKEN} that bank-operator"),
        (("preview", ACTION, *OPERATOR), 2, "Name what to run it on."),
        (("preview", ACTION, "--broken", *OPERATOR), 2, "Name resources, or give --organization with --broken"),
        (("preview", "revert_deploy", BROKEN, *OPERATOR), 1, "is not possible for what was chosen."),
        (("preview", "restore_to", BROKEN, "--at", "soon", *OPERATOR), 2, "Write the day and the time in UTC"),
        (("run", ACTION, BROKEN, *OPERATOR), 2, "Nobody can answer here. Make a preview with act preview"),
        (("run", ACTION, BROKEN, *OPERATOR, "--yes"), 2, "Nobody can answer here."),
        (("run", ACTION, BROKEN, *OPERATOR, "--yes", "--digest", "f" * 64), 1, "This preview is not known."),
        (("run", ACTION, BROKEN, *OPERATOR, "--yes", "--digest", "x' --"), 1, "This preview is not known."),
        (("watch", "RUN-2222-22", *OPERATOR), 2, "There is no run RUN-2222-22 that shop-operator may see."),
    ],
)
def test_a_wrong_question_is_answered_in_words(shop: Shop, arguments: tuple[str, ...], code: int, says: str) -> None:
    said = say(*arguments)

    assert (said.code, said.out) == (code, "")
    assert says in said.err
    assert not Run.objects.exists()
    assert say(*arguments, "--json").json["ends"] == code


def test_another_organizations_run_is_not_there(shop: Shop) -> None:
    row = start_run(shop, shop.broken)

    for verb in ("watch", "stop", "confirm", "undo"):
        said = say(verb, row.reference, "--as", "bank-operator")
        assert (said.code, said.out) == (2, "")
        assert "There is no run" in said.err
    assert say("stop", row.reference, "--as", "shop-viewer").code == 1
    row.refresh_from_db()
    assert row.stop_asked_at is None
    assert [entry["data"]["method"] for entry in entries("access.denied")] == ["GET", "POST", "POST", "POST", "POST"]


def test_a_digest_of_something_else_starts_nothing(shop: Shop) -> None:
    digest = preview()
    other = shop.well[0].name

    said = say("run", ACTION, other, *OPERATOR, "--yes", "--digest", digest)

    assert (said.code, "preview of something else" in said.err) == (2, True)
    assert not Run.objects.exists()


def test_a_stale_preview_and_one_of_somebody_else_are_refused(shop: Shop) -> None:
    digest = preview()
    colleague = factories.make_person("colleague", "example-shop/operators")
    assert "made by somebody else. Make a preview of your own." in run(digest, who=colleague.username).err
    Plan.objects.update(expires_at=timezone.now())

    said = run(digest, "--json")

    assert (said.code, said.json["because"]) == (1, ["PlanExpired"])
    assert said.json["problem"] == "The preview was too old. Nothing was changed. Make a new preview."
    assert [entry["actor"]["by"]["command"] for entry in entries("run.refused")] == ["act", "act"]


def test_two_at_once_names_the_run_that_is_at_it(shop: Shop) -> None:
    digest, row = preview(), start_run(shop, shop.broken)

    said = run(digest, "--json")

    assert (said.code, said.json["because"]) == (1, ["guard.one-at-a-time"])
    assert row.reference in said.json["problem"]


def test_what_is_serious_asks_for_a_tick_and_a_code(shop: Shop, settings: Settings) -> None:
    settings.SECOND_FACTOR = "required"
    agree_on(shop, 2)
    digest = preview()

    assert "Add --understood to say that you know that this changes 1 prefix" in run(digest).err
    assert "has no second factor yet" in run(digest, "--understood", "--code", PASSWORD).err
    secret = enrol(shop.operator)
    assert run(digest, "--understood").code == 2
    wrong = run(digest, "--understood", "--code", "000000", "--json")
    assert (wrong.code, wrong.json["because"]) == (1, ["shell.wrong-code"])
    assert run(digest, "--understood", "--code", PASSWORD).code == 1
    assert not Run.objects.exists()
    good = code_of(secret)
    assert run(digest, "--understood", "--code", good).code == 3
    assert Run.objects.count() == 1
    assert "was used before" in run(digest, "--understood", "--code", good).err
    [confirmed] = entries("session.confirmed")
    assert confirmed["data"] == {"with": "totp", "network": "a shell on the host"}
    assert confirmed["actor"]["by"]["user"] == getpass.getuser()


def test_codes_cannot_be_guessed(shop: Shop) -> None:
    agree_on(shop, 2)
    enrol(shop.operator)
    digest = preview()

    answers = [run(digest, "--understood", "--code", f"{number:06}").err for number in range(7)]

    assert "Too many tries. Wait" in answers[-1]
    assert not Run.objects.exists()


def test_whoever_has_no_factor_gives_the_password_where_that_is_enough(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    agree_on(shop, 2)
    digest = preview()
    monkeypatch.setattr("sys.stdin", StringIO("wrong\n"))
    assert "That is not the password." in run(digest, "--understood", "--code", "-").err
    monkeypatch.setattr("sys.stdin", StringIO(f"{PASSWORD}\n"))

    assert run(digest, "--understood", "--code", "-").code == 3


def test_a_passkey_alone_cannot_be_shown_to_a_shell(shop: Shop) -> None:
    agree_on(shop, 2)
    factors.add_passkey(shop.operator, "a key", {})
    digest = preview()

    assert "has passkeys only" in run(digest, "--understood", "--code", "123456").err
    factors.renew_recovery_codes(shop.operator)
    [code, *_] = recovery_codes()
    assert run(digest, "--understood", "--code", code).code == 3


def test_tier_three_asks_a_second_person_with_reason_and_word(shop: Shop) -> None:
    agree_on(shop, 3)
    enrol(shop.operator)
    digest = preview()
    codes = iter(recovery_codes())

    assert "Write with --reason why." in run(digest, "--word", WORD_FOR_TWO).err
    assert f"Type the word {WORD_FOR_TWO}" in run(digest, "--reason", "down", "--code", next(codes)).err
    assert not Approval.objects.exists()
    said = run(digest, "--reason", "down", "--word", WORD_FOR_TWO, "--code", next(codes), "--json")

    assert (said.code, said.json["approval"]) == (3, str(Approval.objects.get().pk))
    assert not Run.objects.exists()
    alone = run(digest, "--reason", "down", "--alone", "--word", "ALONE", "--code", next(codes))
    assert "cannot be started by one person alone" in alone.err


def test_alone_where_that_is_allowed(shop: Shop) -> None:
    agree_on(shop, 3, break_glass=True)
    digest = preview()

    said = run(digest, "--reason", "nobody is awake", "--alone", "--word", "ALONE", "--code", PASSWORD)

    assert said.code == 3
    assert entries("approval.break-glass")[0]["actor"]["by"]["command"] == "act"


def paused(shop: Shop) -> Run:
    row = start_run(shop, shop.broken)
    put(row, Step.IN_PLACE, phase=Phase.PAUSED, because="verdict.inconclusive")
    StageVerdict.objects.create(run=row, stage=0, mark=Mark.INCONCLUSIVE, at=timezone.now())
    return row


def test_a_run_that_asks_ends_the_watching_and_says_what_can_be_said(shop: Shop) -> None:
    row = paused(shop)

    said = say("watch", row.reference.lower(), *OPERATOR)

    assert said.code == 3
    assert "we cannot prove from outside that it has worked" in said.out
    assert f"Go on without proof: act confirm {row.reference}. No further: act stop {row.reference}." in said.out


def test_confirm_needs_a_yes_and_a_reason(shop: Shop) -> None:
    row = paused(shop)
    confirm = ("confirm", row.reference, *OPERATOR, "--no-watch")

    assert say(*confirm).code == 2
    empty = say(*confirm, "--yes", "--reason", "  ")
    assert (empty.code, "Write why you want to go on." in empty.err) == (1, True)
    assert StageVerdict.objects.get().overruled_by is None
    assert say(*confirm, "--yes", "--reason", "the customer sees it").code == 3

    verdict = StageVerdict.objects.get()
    assert (verdict.overruled_by, verdict.overruled_because) == (shop.operator, "the customer sees it")
    assert entries("verdict.overruled")[0]["actor"]["by"]["command"] == "act"
    again = say(*confirm, "--yes", "--reason", "once more")
    assert (again.code, "There is nothing to decide any more." in again.err) == (1, True)


def test_stop_is_harmless_when_it_is_too_late(shop: Shop) -> None:
    row = start_run(shop, shop.broken)
    assert say("stop", row.reference, *OPERATOR, "--no-watch").code == 3
    row.refresh_from_db()
    assert row.stop_asked_by == shop.operator
    put(row, Step.LEFT, phase=Phase.ENDED, outcome=Outcome.STOPPED, because="run.stopped-by-person")

    said = say("stop", row.reference, *OPERATOR)

    assert (said.code, said.out.splitlines()[:2]) == (
        0,
        ["It has ended already.", f"{row.reference}: Stopped. Nothing was changed."],
    )


@pytest.mark.parametrize(
    ("outcome", "because", "code"),
    [
        (Outcome.SUCCEEDED, "", 0),
        (Outcome.SUCCEEDED, "run.unproven", 3),
        (Outcome.FAILED, "run.outcome-unknown", 3),
        (Outcome.FAILED, "verdict.fail", 1),
        (Outcome.EXPIRED, "run.deadline", 1),
        (Outcome.ERRORED, "engine.quarantined", 1),
        (Outcome.STOPPED, "run.stopped-by-person", 1),
    ],
)
def test_the_code_says_how_it_ended(shop: Shop, outcome: Outcome, because: str, code: int) -> None:
    row = start_run(shop, shop.broken)
    put(row, Step.VERIFIED, why=because, phase=Phase.ENDED, outcome=outcome)
    Run.objects.update(because=because)

    said = say("watch", row.reference, *OPERATOR, "--json")

    assert (said.code, said.json["ends"]) == (code, code)
    assert said.json["run"]["proven"] is (code == 0)


def test_what_has_not_ended_cannot_be_undone(shop: Shop) -> None:
    row = start_run(shop, shop.broken)

    said = say("undo", row.reference, *OPERATOR)

    assert (said.code, "This run has not ended." in said.err) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    ["", "start", "list", "run --as x", "preview a b --as x --minutes y", "watch --as x", "list --as x --yes"],
)
def test_misuse_ends_with_two(capsys: pytest.CaptureFixture[str], arguments: str) -> None:
    with pytest.raises(SystemExit) as end:
        act.Command().run_from_argv(["manage.py", "act", *arguments.split()])

    assert end.value.code == 2
    assert "usage: manage.py act" in capsys.readouterr().err
