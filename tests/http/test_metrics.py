"""What the service tells a watcher: true numbers, few labels, nothing about anybody; by one process for all of them.

Covers THREATS T26 (metrics), R9 (alerts need counts of refusals).
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.http.conftest import ROOT, Served, found_with_keys, start, stop, wait_for, wait_until_ready
from tests.http.test_statements import TYPE, post
from tests.http.wires import ask
from tests.world import World

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
Sample = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(served: Served) -> Sample:
    """Every sample by its name and labels."""
    with served.client() as client:
        answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parse_text(answer.text)
        for sample in family.samples
    }


def value(found: Sample, name: str, **labels: str) -> float:
    return found.get((name, tuple(sorted(labels.items()))), 0.0)


def grown(before: Sample, after: Sample, name: str, **labels: str) -> float:
    return value(after, name, **labels) - value(before, name, **labels)


def test_what_happened_is_counted(served: Served) -> None:
    before = scrape(served)
    claim = served.world.claim(counted_by=("meter:metrics",))
    statuses = [
        post(served, one).status_code for one in (claim, claim, served.world.claim(counted_by=("meter:metrics",)))
    ]
    assert statuses == [201, 200, 409]
    assert post(served, b"a.b.c").status_code == 400
    after = scrape(served)
    for status in ("200", "201", "400", "409"):
        labels = {"method": "POST", "route": "/v1/statements", "status": status}
        assert grown(before, after, "gigaton_http_requests_total", **labels) == 1
    count = "gigaton_http_request_duration_seconds_count"
    assert grown(before, after, count, method="POST", route="/v1/statements") == 4
    assert grown(before, after, "gigaton_http_problems_total", code="overlap") == 1
    assert grown(before, after, "gigaton_http_problems_total", code="bad_jws") == 1
    for outcome, wanted in {"recorded": 1, "repeated": 1, "refused": 1}.items():
        assert grown(before, after, "gigaton_statements_total", outcome=outcome) == wanted
    assert grown(before, after, "gigaton_statement_refusals_total", code="overlap") == 1
    assert grown(before, after, "gigaton_commit_statements_sum") == 3
    assert grown(before, after, "gigaton_commit_duration_seconds_count") == 3
    assert grown(before, after, "gigaton_log_entries") == 1
    assert value(after, "gigaton_log_entries") == value(after, "gigaton_log_signed_entries")
    assert value(after, "gigaton_ready") == 1
    assert 0 <= value(after, "gigaton_log_head_age_seconds") < 60
    assert value(after, "gigaton_http_requests_in_progress") == 1  # the scrape itself
    assert value(after, "gigaton_queue_statements") == 0
    assert value(after, "process_open_fds") > 0


def test_no_request_chooses_a_label(served: Served) -> None:
    """Whatever is asked, the number of series stays what it is, and nothing of it is shown."""

    def ask_all(word: str) -> None:
        with served.client() as client:
            for path in (
                f"/{word}",
                f"/v1/claims/{word}",
                f"/v1/parties/{word}",
                f"/log/{word}",
                f"/v1/entries/{word}",
            ):
                client.get(path, params={word: word}, headers={"X-Request-Id": word, "User-Agent": word})
            client.post("/v1/statements", content=word.encode(), headers=TYPE)
            client.request("PROPFIND", "/healthz")
            client.request("REPORT", "/healthz")
        ask(served, word.encode() + b"\0 / HTTP/1.1\r\n\r\n")

    ask_all("first")
    once = scrape(served)
    for number in range(5):
        ask_all(f"other-{number}")
    again = scrape(served)
    assert set(again) == set(once)
    assert not [key for key in again if "other" in str(key) and ("method", "other") not in key[1]]


def test_head_is_counted_at_its_route(served: Served) -> None:
    before = scrape(served)
    with served.client() as client:
        assert client.head("/healthz").status_code == 200
    labels = {"method": "HEAD", "route": "/healthz", "status": "200"}
    assert grown(before, scrape(served), "gigaton_http_requests_total", **labels) == 1


def test_dropped_connections_are_counted(served: Served) -> None:
    before = scrape(served)
    ask(served, b"nothing of HTTP\r\n\r\n")
    assert grown(before, scrape(served), "gigaton_http_connections_dropped_total", code="bad_request") == 1


def test_openmetrics_where_it_is_asked_for(served: Served) -> None:
    with served.client() as client:
        answer = client.get("/metrics", headers={"Accept": OPENMETRICS})
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    names = {family.name for family in parse_openmetrics(answer.text)}
    assert {"gigaton_http_requests", "gigaton_log_entries", "gigaton_build_info"} <= names


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Three processes on one socket."""
    folder = tmp_path_factory.mktemp("several")
    world = found_with_keys(folder / "log")
    process, url = start(folder / "log", "--workers", "3", TMPDIR=str(folder))
    served = Served(url, folder / "log", world, process)
    wait_for(lambda: len(children(process.pid)) >= 3)
    yield served
    stop(process)
    assert not list(folder.glob("gigaton-metrics-*"))


def children(parent: int) -> list[int]:
    """The serving processes of a parent."""
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(one) for one in found if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]


def test_any_process_answers_for_all(several: Served) -> None:
    wait_until_ready(several)
    for number in range(30):
        assert post(several, several.world.claim(counted_by=(f"meter:several-{number}",))).status_code == 201
    for _ in range(5):
        assert value(scrape(several), "gigaton_statements_total", outcome="recorded") == 30
    assert not [name for name, labels in scrape(several) if any(key == "pid" for key, _ in labels)]


def test_of_a_dead_process_the_counts_stay_and_the_state_goes(several: Served) -> None:
    folder = next(several.directory.parent.glob("gigaton-metrics-*"))
    wait_for(lambda: len(list(folder.glob("gauge_livesum_*.db"))) == 3)
    before = value(scrape(several), "gigaton_statements_total", outcome="recorded")
    victim = next(one for one in children(several.process.pid) if (folder / f"gauge_livesum_{one}.db").exists())
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: not (folder / f"gauge_livesum_{victim}.db").exists())
    wait_for(lambda: len(list(folder.glob("gauge_livesum_*.db"))) == 3)
    assert value(scrape(several), "gigaton_statements_total", outcome="recorded") == before
    wait_until_ready(several)


def test_a_ledger_that_cannot_be_read_is_told_as_not_ready(tmp_path: Path) -> None:
    from api.metrics import Metrics
    from tests.ledgers import found

    metrics = Metrics()
    ledger = found(tmp_path / "log", World())
    metrics.watch(ledger)
    assert b"gigaton_ready 1.0" in metrics.exposition("")[0]
    (tmp_path / "log" / "ledger.db").write_bytes(b"no database")
    ledger.engine.dispose()
    found_text = metrics.exposition("")[0]
    assert b"gigaton_ready 0.0" in found_text
    assert b"gigaton_log_entries " not in found_text
    ledger.close()


def test_the_table_of_metrics_is_what_is_served(served: Served) -> None:
    """docs/operating.md names each metric of ours, and none that is not there."""
    document = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(gigaton_[a-z_]+)` \| (?:counter|gauge|histogram) ", document, re.MULTILINE))
    ask(served, b"nothing of HTTP\r\n\r\n")
    with served.client() as client:
        text = client.get("/metrics").text
    assert named == set(re.findall(r"^# TYPE (gigaton_[a-z_]+) ", text, re.MULTILINE))
