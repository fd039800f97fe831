"""Template filters and tags that turn values into words for people."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from console import untrusted, words
from console.pictures import Picture
from incidents.actions.base import Words
from incidents.actions.catalogue import CATALOGUE
from incidents.domain.changes import State
from incidents.domain.runs import Step
from incidents.domain.strip import Seen, Span
from incidents.selectors.home import Card
from incidents.selectors.stages import StageLine
from incidents.selectors.usual import Usual

register = template.Library()


@register.filter
def sentence(code: str) -> str:
    return words.sentence(code)


@register.filter
def many(count: int, one: str) -> str:
    return words.many(count, one)


@register.filter
def of_kinds(count: int, kinds: Collection[str]) -> str:
    """The same for a page with several: `3 things`."""
    return words.noun(kinds, count)


@register.filter
def action_words(name: str) -> Words:
    """The words of an action."""
    return CATALOGUE[name].words


@register.filter
def of_action(count: int, name: str) -> str:
    """`1 prefix`, `2 services`: so many of what the action is for."""
    return words.noun(CATALOGUE[name].kinds, count)


@register.filter
def nouns(kinds: Collection[str]) -> str:
    return words.nouns(kinds)


@register.filter
def of_card(pictures: Mapping[uuid.UUID, Picture], card: Card) -> Picture | None:
    """The picture of a card; None where nothing looks at its resource."""
    return pictures.get(card.id)


@register.filter
def percent_at(stage: StageLine, percents: Sequence[int]) -> int:
    return words.percent_at(stage, percents)


@register.filter
def listed(names: Sequence[str]) -> str:
    return words.listed(names)


@register.filter
def usually(usual: Usual) -> str:
    return words.usually(usual)


@register.filter
def span(length: timedelta) -> str:
    return words.span(length)


@register.filter
def took(length: timedelta) -> str:
    """How long it took; below ten seconds with a decimal, for that is what people compare."""
    seconds = length.total_seconds()
    return words.span(length) if seconds >= 10 else f"{max(0.1, seconds):.1f} seconds"


@register.filter
def describe(state: State | None, aspect: str) -> str:
    return words.describe(aspect, state)


@register.filter
def aspect(name: str) -> str:
    return words.ASPECTS.get(name, name)


@register.filter
def role(name: str) -> str:
    """`Operator`."""
    return words.ROLES[name][0]


@register.filter
def tier(number: int) -> str:
    """What is asked of whoever presses the button."""
    return words.TIERS[number]


@register.filter
def capital(text: str) -> str:
    """The text with a capital first letter; the rest as it is."""
    return text[:1].upper() + text[1:]


@register.filter
def clock(moment: datetime) -> SafeString:
    """`03:15:22 UTC`; the script adds the reader's own time."""
    return _time(moment, "%H:%M:%S UTC")


@register.filter
def minute(moment: datetime) -> SafeString:
    """`03:15 UTC`, with the day when it is not today."""
    today = moment.date() == timezone.now().date()
    return _time(moment, "%H:%M UTC" if today else "%d %b %H:%M UTC")


@register.filter
def moment(at: datetime) -> SafeString:
    """`20 Feb 2026 17:45:09 UTC`, whatever day it is."""
    return _time(at, "%d %b %Y %H:%M:%S UTC")


@register.filter
def visible(text: str) -> str:
    """What a person typed, with what would turn or hide it written out."""
    return untrusted.visible(text)


@register.filter
def age(moment: datetime) -> SafeString:
    """`40 seconds`, as long ago as the moment is; the script keeps it true."""
    return format_html(
        '<span data-age="{}">{}</span>', moment.isoformat(timespec="seconds"), words.span(timezone.now() - moment)
    )


@register.filter
def prefix(name: str) -> SafeString:
    """An address, or a sentence that is about one, that is not broken in the middle of it."""
    return format_html('<span class="address">{}</span>', name)


@register.filter
def mark(value: str | None) -> SafeString:
    """`✓ Reachable` and so on."""
    return _mark(*words.MARKS.get(value or "", words.MARKS[""]))


@register.filter
def steps(counts: Mapping[str, int]) -> str:
    """`in place`, or with more than one target `3 in place, 1 not done`."""
    if sum(counts.values()) == 1:
        return words.STEPS[next(iter(counts))]
    return ", ".join(f"{count} {words.STEPS[step]}" for step, count in counts.items())


@register.filter
def way(counts: Mapping[str, int]) -> str:
    """The same where all are steps of one way: `in place and proven`, or `step 1 of 3 in place`."""
    if len(counts) == 1:
        return words.STEPS[next(iter(counts))]
    done = sum(counts.get(step, 0) for step in (Step.IN_PLACE, Step.VERIFIED))
    return f"step {done} of {sum(counts.values())} in place"


@register.filter
def outside(counts: Mapping[str, int]) -> SafeString:
    """What is seen from outside through one location: the worst of it, with the count where points differ."""
    for value in ("fail", "error", "inconclusive", "", "pass"):
        if counts.get(value):
            total = sum(counts.values())
            note = "" if counts[value] == total else f" ({counts[value]} of {total} checks)"
            return format_html("{}{}", mark(value), note)
    return mark("")


@register.filter
def within(moment: datetime, shown: Span) -> SafeString:
    """A moment on the axis of a picture: the shorter the time that is shown, the finer; with the day where it tells."""
    return _time(moment, f"{words.form_within(shown.length, moment, timezone.now())} UTC")


@register.filter
def exact(moment: datetime) -> SafeString:
    """`03:15:22 UTC`, with the day when it is not today."""
    today = moment.date() == timezone.now().date()
    return _time(moment, "%H:%M:%S UTC" if today else "%d %b %H:%M:%S UTC")


@register.filter
def seen(value: Seen) -> str:
    return words.SEEN[value][1].lower()


@register.filter
def seen_mark(value: Seen) -> SafeString:
    """`✓ Reachable` and so on, of a piece of a strip."""
    return _mark(*words.SEEN[value])


def _mark(sign: str, word: str, kind: str) -> SafeString:
    return format_html('<span class="mark {}"><span aria-hidden="true">{}</span> {}</span>', kind, sign, word)


def _time(moment: datetime, form: str) -> SafeString:
    return format_html(
        '<time datetime="{}" data-local>{}</time>', moment.isoformat(timespec="seconds"), moment.strftime(form)
    )
