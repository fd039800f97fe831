"""The figures in the text format of Prometheus. They come from the database, so every process tells the same.

Names follow https://prometheus.io/docs/practices/naming/: base units, `_total` for what only grows. Labels are bounded:
actions of the catalogue, outcomes, parts of ours; never the name of a customer or of a resource.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import timedelta

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from console.health import Figures
from console.version import VERSION
from incidents.actions.catalogue import CATALOGUE
from incidents.domain.runs import Outcome

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
# Upper bounds of tap to verified, in seconds; the goal of a rescue is well below a minute.
BUCKETS = (1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0)
# For runs of an action that the catalogue no longer has.
OTHER = "other"


def expose(figures: Figures | None) -> bytes:
    """The whole answer to one scrape. None: the database did not answer in time, and only that is told."""
    registry = CollectorRegistry()
    registry.register(_Scrape(figures))
    return generate_latest(registry)


class _Scrape(Collector):
    def __init__(self, figures: Figures | None) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        build = GaugeMetricFamily("handrail_build_info", "The release that answers; always 1.", labels=["version"])
        build.add_metric([VERSION], 1)
        yield build
        up = self._figures is not None
        yield GaugeMetricFamily("handrail_up", "Whether the database answered this scrape in time.", float(up))
        if self._figures is not None:
            yield _runs(self._figures.runs)
            yield _verified(self._figures.verified)
            yield from _ages(self._figures)
            yield from _sizes(self._figures)


def _runs(ended: dict[tuple[str, str], int]) -> Metric:
    """Every pair of action and outcome from the beginning, so that the first failure is an increase, too."""
    counts = {(action, str(outcome)): 0 for action in CATALOGUE for outcome in Outcome}
    for (action, outcome), count in ended.items():
        key = (action if action in CATALOGUE else OTHER, outcome)
        counts[key] = counts.get(key, 0) + count
    family = CounterMetricFamily("handrail_runs", "Runs that have ended.", labels=["action", "outcome"])
    for labels, count in sorted(counts.items()):
        family.add_metric(labels, count)
    return family


def _verified(lately: list[tuple[str, timedelta]]) -> Metric:
    family = HistogramMetricFamily(
        "handrail_tap_to_verified_seconds",
        "From accepted to proven from outside, of runs that succeeded in the last 24 hours: read it without rate().",
        labels=["action"],
    )
    for action in CATALOGUE:
        spans = sorted(span.total_seconds() for name, span in lately if name == action)
        within = [bisect_right(spans, bound) for bound in BUCKETS]
        buckets = [(str(bound), float(count)) for bound, count in zip(BUCKETS, within, strict=True)]
        family.add_metric([action], [*buckets, ("+Inf", float(len(spans)))], sum(spans))
    return family


def _ages(figures: Figures) -> Iterable[Metric]:
    """An age is missing, and not zero, while there is nothing that it could be the age of."""
    ages = figures.ages
    for name, says, age in (
        ("queue", "How long the oldest run that is due waits for a worker; 0 when none waits.", ages.queue),
        ("sweep", "Since a worker last swept for runs that are due.", ages.sweep),
        ("poll", "Since a poller last began a round.", ages.poll),
        ("measurement", "Since any probe last answered.", ages.measurement),
    ):
        family = GaugeMetricFamily(f"handrail_{name}_age_seconds", says)
        if age is not None:
            family.add_metric([], age.total_seconds())
        yield family


def _sizes(figures: Figures) -> Iterable[Metric]:
    yield CounterMetricFamily("handrail_audit_entries", "Entries of the audit log.", figures.audit_size)
    yield GaugeMetricFamily("handrail_runs_live", "Runs that have not ended.", figures.ages.live)
    yield GaugeMetricFamily("handrail_incidents_open", "Incidents that are open.", figures.incidents)
    yield GaugeMetricFamily("handrail_breakers_open", "Breakers that keep an action from running.", figures.breakers)
    fences = GaugeMetricFamily("handrail_fence_up", "Whether the database refuses to change it.", labels=["fence"])
    fences.add_metric(["audit"], float(figures.fences.audit))
    fences.add_metric(["snapshots"], float(figures.fences.snapshots))
    yield fences
