"""The page of a run: what is true now, and the receipt afterwards."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from console.access import SignedInRequest, access_run, signed_in, signed_in_fragment
from console.forms import OverruleForm, TimeForm
from console.pages.polling import WATCHING_RUN, announcement, poll, stamped, unchanged
from console.pictures import Picture, draw_together
from console.step_up import confirm_first
from console.words import listed, percent_at
from incidents.domain.runs import Outcome, Phase, Step
from incidents.models import Run
from incidents.selectors.callers import allows
from incidents.selectors.doors import Found
from incidents.selectors.preview import read_weight
from incidents.selectors.run import RunPage, read_run
from incidents.selectors.strip import resources_of
from incidents.services.undo import UNDO_FOR

UNKNOWN = "run.outcome-unknown"
# Many runs end within a second: whoever has just started one is not kept waiting for the next look.
JUST_STARTED = timedelta(seconds=5)
# How much its picture shows of the time before the tap, and after the end.
AROUND = timedelta(minutes=5)


@require_safe
@signed_in
def run(request: SignedInRequest, reference: str) -> HttpResponse:
    return show_run(request, access_run(request, reference))


@require_safe
@signed_in_fragment
def progress(request: SignedInRequest, reference: str) -> HttpResponse:
    """The polled part; 204 while nothing has changed, and without a trigger once the run has ended."""
    entered = access_run(request, reference)
    now = timezone.now()
    if request.GET.get("v") == _token(entered.row, now):
        return unchanged(now)
    context = _context(request, entered, now)
    context["announce"] = announcement(request, context["headline"])
    return stamped(render(request, "run/_fragment.html", context), now)


def confirm_before(request: SignedInRequest, run: Run) -> str:
    """Where this person shows first that it is them, before they go on without proof; empty when they need not."""
    weight = read_weight(run.organization, run.plan_id)
    return confirm_first(request, weight, reverse("run", args=[run.reference]))


def show_run(
    request: SignedInRequest, entered: Found[Run], form: OverruleForm | TimeForm | None = None
) -> HttpResponse:
    """The whole page. With `form`, a decision that was refused, it answers 422."""
    context = _context(request, entered, timezone.now()) | {"form": form}
    return stamped(render(request, "run/run.html", context, status=422 if form else 200), None)


def _context(request: SignedInRequest, entered: Found[Run], now: datetime) -> dict[str, Any]:
    page = read_run(entered.row, UNDO_FOR, now)
    says = headline(page)
    fragment = reverse("run-progress", args=[page.reference])
    asks = page.phase == Phase.PAUSED and page.because in ("verdict.inconclusive", "verdict.error")
    return {
        "organization": entered.row.organization,
        "page": page,
        "headline": says,
        "tab": tab(page, says),
        "picture": _picture(entered.row, page, now),
        "proven": sum(Step.VERIFIED in place.steps for place in page.places),
        "took": (page.ended_at or now) - page.accepted_at,
        "late": page.is_live and now - page.accepted_at > max(page.usual.high, timedelta(seconds=10)),
        "asks": asks,
        "confirm": confirm_before(request, entered.row) if asks and entered.may_act else "",
        "unknown": page.because == UNKNOWN,
        "poll": poll(
            request,
            fragment,
            _token(entered.row, now),
            says,
            WATCHING_RUN if page.is_live else 0,
            soon=now - page.accepted_at < JUST_STARTED,
        ),
        "checked_at": now,
        "incident": page.incident,
        "may_act": entered.may_act,
        "may_press": entered.may_press,
        "may_undo": entered.may_act or allows(entered.consent, entered.row.action),
    }


def _picture(row: Run, page: RunPage, now: datetime) -> Picture | None:
    """What was seen from before the tap to now; of a run that has ended to a while after its end."""
    end = now if page.ended_at is None else min(now, page.ended_at + AROUND)
    return draw_together(resources_of(row), page.what, page.accepted_at - AROUND, end)


def _token(row: Run, now: datetime) -> str:
    """Names what the page shows: its version and, while it is live, the minute, for "longer than usual"."""
    return f"{row.version}-{(now - row.accepted_at) // timedelta(minutes=1)}" if row.is_live else str(row.version)


def headline(page: RunPage) -> str:
    """The one sentence that is true now."""
    if page.because == UNKNOWN:
        return f"We {'do not know yet' if page.is_live else 'could not find out'} whether this worked"
    if page.is_live:
        return _live(page)
    if page.outcome == Outcome.SUCCEEDED:
        return _succeeded(page)
    if page.outcome == Outcome.STOPPED:
        return f"Stopped. {_reached(page)}"
    if page.outcome == Outcome.EXPIRED:
        return f"The time for this was over. {_reached(page)}"
    if page.outcome == Outcome.ERRORED:
        return f"Our own software failed. {_reached(page)}"
    return f"This did not work. {_reached(page)}"


def tab(page: RunPage, says: str) -> str:
    """The page's title: what a phone's tab shows of the headline."""
    if page.is_live and page.because != UNKNOWN:
        return f"{'Needs a decision' if page.phase == Phase.PAUSED else 'Running'}: {page.what}"
    if page.outcome == Outcome.SUCCEEDED and not page.undo_of and not page.overruled:
        return f"{page.words.done.capitalize()}: {page.what}"
    return says


def _live(page: RunPage) -> str:
    if page.phase == Phase.PAUSED:
        return f"The change to {page.what} is in place, but we cannot prove from outside that it has worked"
    if page.stop_asked_at is not None:
        return f"Stopping: {page.what}"
    if page.undo_of:
        return f"Undoing {page.undo_of}: {page.what}"
    return f"{page.words.doing} {page.what}"


def _succeeded(page: RunPage) -> str:
    if page.overruled:
        return f"The change to {page.what} is in place, without proof from outside"
    if page.undo_of:
        return f"{page.what} {_is(page)} as before {page.undo_of}"
    skipped = [place.title for place in page.places if place.steps.get(Step.SKIPPED)]
    missing = [*skipped, *page.left_out]
    except_for = f", except from {listed(missing)}" if missing else ""
    return f"{page.what} {_is(page)} {page.words.done}{except_for}"


def _reached(page: RunPage) -> str:
    """How much of it was done, at its end."""
    total = sum(place.total for place in page.places)
    done = sum(place.steps.get(step, 0) for place in page.places for step in (Step.IN_PLACE, Step.VERIFIED))
    if not done:
        return "Nothing was changed." if not _sent(page) else "The change is in place nowhere."
    if done == total:
        return "The change is in place everywhere."
    if page.in_steps:
        return f"It went {_percent(page)} % of the way."
    return f"The change is in place in {done} of {total} places."


def _percent(page: RunPage) -> int:
    """How far the last step led that is in place everywhere."""
    reached = [stage for stage in page.stages if stage.in_place == stage.total]
    return percent_at(reached[-1], page.percents) if reached else 0


def _sent(page: RunPage) -> bool:
    return any(stage.sent_at for stage in page.stages)


def _is(page: RunPage) -> str:
    return "is" if page.count == 1 else "are"
