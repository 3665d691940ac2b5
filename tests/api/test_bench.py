"""`gigaton bench` and `gigaton bench http` run to their end on small numbers, and print what they promise."""

from __future__ import annotations

from tests.api.small import answer, run


def test_http_is_measured_by_real_servers() -> None:
    code, found = answer("gigaton", "bench", "http", "--claims", 100, "--reads", 100, "--rounds", 1, "--filled", 600)
    assert (code, found["claims"], found["filled"], list(found["measures"])) == (0, 100, 600, ["SQLite"])
    rows = {row["what"]: row for row in found["measures"]["SQLite"]}
    assert len(rows) == 9
    assert all(row["per_second"] > 0 and row["p99_us"] >= row["p50_us"] > 0 for row in rows.values())
    durable = rows["durable claim with receipt"]
    assert (durable["of"], durable["target_ppm"]) == ("parse only, no signature, nothing kept", 300_000)
    for what in ("durable claim with receipt", "claim by id", "tile", "proof"):
        two = rows[f"{what.partition(' with')[0]}, two processes"]
        assert (two["of"], two["ratio_ppm"] > 0) == (what, True)


def test_the_command_without_a_subject_measures_the_ledger_itself() -> None:
    code, found = answer("gigaton", "bench", "--claims", 100)
    assert (code, found["claims"]) == (0, 100)
    assert "durable import, receipts included" in {one["what"] for one in found["measures"]}


def test_help_names_both() -> None:
    shown = run("gigaton", "bench", "--help").stdout
    assert "--attested" in shown
    assert "http" in shown
