"""Numbers about the service for Prometheus; the only room that knows its client library.

Labels take few values: templates of routes, known methods, codes of the closed
table. No path, party, address or text of a request becomes a label.

With several processes the library keeps each one's numbers in files of a
folder that the parent made (`PROMETHEUS_MULTIPROC_DIR`), and any process
answers for all of them. What the database says is read at each scrape.

Source: prometheus.io/docs/practices/naming; docs/operating.md lists every metric.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from ledger import __version__
from ledger.errors import LedgerError
from ledger.sequencer.clock import now_ms
from ledger.service import deliveries
from ledger.service.ledger import Ledger
from ledger.service.vitals import local, vitals

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

# No request for less than a millisecond or for more than half a minute is told apart from its neighbours.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_BATCH = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})
_NANOSECONDS = 1_000_000_000
_MILLISECONDS = 1_000


# A second series for each counter, which says when it began and which several processes cannot tell.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The counters of this process, which it hands out together with those of its siblings."""

    def __init__(self) -> None:
        self._ledger: Ledger | None = None
        self._waiting_here: Callable[[], int] = lambda: 0
        folder = os.environ.get(FOLDER_VARIABLE)
        own = CollectorRegistry()
        self._registry = own if folder is None else CollectorRegistry()
        self._define_http(own)
        self._define_writing(own)
        if folder is None:
            ProcessCollector(registry=own)
        else:
            MultiProcessCollector(self._registry, folder)  # type: ignore[no-untyped-call]
        self._registry.register(_AtScrape(self._at_scrape))

    def _define_http(self, own: CollectorRegistry) -> None:
        self._requests = Counter(
            "gigaton_http_requests", "Requests answered.", ("method", "route", "status"), registry=own
        )
        self._seconds = Histogram(
            "gigaton_http_request_duration_seconds",
            "Time from the head of a request to the end of its answer.",
            ("method", "route"),
            buckets=_SECONDS,
            registry=own,
        )
        self._problems = Counter("gigaton_http_problems", "Problems answered, by code.", ("code",), registry=own)
        self._under_way = Gauge(
            "gigaton_http_requests_in_progress", "Requests under way.", multiprocess_mode="livesum", registry=own
        )
        self._connections = Gauge(
            "gigaton_http_connections", "Open connections.", multiprocess_mode="livesum", registry=own
        )
        self._dropped = Counter(
            "gigaton_http_connections_dropped", "Connections that were ended by us, by reason.", ("code",), registry=own
        )

    def _define_writing(self, own: CollectorRegistry) -> None:
        self._statements = Counter(
            "gigaton_statements",
            "Statements decided by the writer: recorded, repeated, refused.",
            ("outcome",),
            registry=own,
        )
        self._refusals = Counter("gigaton_statement_refusals", "Statements refused, by code.", ("code",), registry=own)
        self._batch = Histogram(
            "gigaton_commit_statements", "Statements in a committed batch.", buckets=_BATCH, registry=own
        )
        self._commit = Histogram(
            "gigaton_commit_duration_seconds",
            "Time to decide, commit, read back and sign a batch.",
            buckets=_SECONDS,
            registry=own,
        )
        self._failures = Counter("gigaton_commit_failures", "Batches not written, by code.", ("code",), registry=own)
        self._waiting = Gauge(
            "gigaton_queue_statements", "Statements waiting for the writer.", multiprocess_mode="livesum", registry=own
        )
        self._database = Gauge(
            "gigaton_database_connections",
            "Database connections.",
            ("state",),
            multiprocess_mode="livesum",
            registry=own,
        )
        self._deliveries = Counter(
            "gigaton_webhook_deliveries", "Webhook deliveries attempted, by outcome.", ("outcome",), registry=own
        )
        # Nobody should have to wait for the first failure to see that there is such a counter.
        for outcome in ("recorded", "repeated", "refused"):
            self._statements.labels(outcome)
        for outcome in ("delivered", "failed", "dead"):
            self._deliveries.labels(outcome)

    # What the service tells.

    def request_begun(self) -> None:
        """A request is under way."""
        self._under_way.inc()

    def request_ended(self, *, method: str, route: str, status: int, code: str, took_ns: int) -> None:
        """A request was answered; `route` is a template and `code` empty where there was no problem."""
        method = method if method in _METHODS else "other"
        self._under_way.dec()
        count, seconds = self._series_of(method, route, status)
        count.inc()
        seconds.observe(took_ns / _NANOSECONDS)
        if code:
            self._problems.labels(code).inc()

    @cache  # noqa: B019 - there are few, and one of us a process
    def _series_of(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        """Looking a series up costs more than counting in it."""
        return self._requests.labels(method, route, status), self._seconds.labels(method, route)

    def connection_made(self) -> None:
        """A connection was opened."""
        self._connections.inc()

    def connection_lost(self) -> None:
        """A connection is gone."""
        self._connections.dec()

    def connection_dropped(self, code: str) -> None:
        """A connection was ended because its client was slow, unreadable or too many."""
        self._dropped.labels(code).inc()

    def wrote(self, answers: Sequence[Any], *, took_ns: int) -> None:
        """The writer committed a batch."""
        self._batch.observe(len(answers))
        self._commit.observe(took_ns / _NANOSECONDS)
        recorded = 0
        for answer in answers:
            if isinstance(answer, LedgerError):
                self._statements.labels("refused").inc()
                self._refusals.labels(answer.code).inc()
            elif answer.new:
                recorded += 1
            else:
                self._statements.labels("repeated").inc()
        self._statements.labels("recorded").inc(recorded)

    def failed(self, code: str) -> None:
        """The writer could not commit a batch."""
        self._failures.labels(code).inc()

    def delivery(self, outcome: str) -> None:
        """A webhook was tried: `delivered`, `failed` (to be tried again) or `dead`."""
        self._deliveries.labels(outcome).inc()

    # What is read.

    def watch(self, ledger: Ledger, *, waiting: Callable[[], int] = lambda: 0) -> None:
        """From now on, tell of this ledger at each scrape, and of the statements that wait before it."""
        self._ledger, self._waiting_here = ledger, waiting

    def sample(self) -> None:
        """Take the numbers that change without being told; once a second where several processes serve."""
        if self._ledger is not None:
            now = local(self._ledger)
            self._waiting.set(now.waiting + self._waiting_here())
            self._database.labels("in_use").set(now.connections_in_use)
            self._database.labels("idle").set(now.connections_idle)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """All metrics in the text format that the caller accepts, and its content type."""
        self.sample()
        encoder, content_type = choose_encoder(accept)
        return encoder(self._registry), content_type

    def _at_scrape(self) -> Iterator[Metric]:
        yield _gauge("gigaton_build_info", "The release that serves.", 1, version=__version__)
        if self._ledger is None:
            return
        found = vitals(self._ledger)
        yield _gauge("gigaton_ready", "1 if the head and the proof of the last entry verify.", int(found.ready))
        if found.size is not None and found.signed_size is not None and found.recorded_at_ms is not None:
            age_s = max(0, now_ms() - found.recorded_at_ms) / _MILLISECONDS
            yield _gauge("gigaton_log_entries", "Entries in the log.", found.size)
            yield _gauge("gigaton_log_signed_entries", "Entries under the signed checkpoint.", found.signed_size)
            yield _gauge("gigaton_log_head_age_seconds", "Time since the last entry was recorded.", age_s)
        with suppress(LedgerError):
            load = deliveries.load(self._ledger)
            waiting = GaugeMetricFamily(
                "gigaton_webhook_backlog", "Webhook deliveries that wait, or were given up.", labels=["state"]
            )
            waiting.add_metric(["pending"], load.pending)
            waiting.add_metric(["dead"], load.dead)
            yield waiting


class _AtScrape:
    """A collector whose numbers are asked for when they are wanted."""

    def __init__(self, collect: Callable[[], Iterator[Metric]]) -> None:
        self.collect = collect


def _gauge(name: str, text: str, value: float, **labels: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family


def forget_process(process: int, folder: str) -> None:
    """Take away what a process that has ended said about itself; its counts stay."""
    mark_process_dead(process, folder)  # type: ignore[no-untyped-call]
