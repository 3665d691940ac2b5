"""The demonstration's input is what the registries published, and nothing else (sample rows, inlined)."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import pytest

from api.demo import extract

ACR = """\
Date Issued (GMT),Vintage,ReportingPeriodBegin,ReportingPeriodEnd,Total Credits Issued,\
Credits Issued to Project,Credits Issued to Buffer Pool,Project Developer,Project ID,Project Name,\
Project Type,Project Methodology/Protocol,Methodology/Protocol Version,\
Project VVB,Project Site Country,Verified Removal,Unnamed: 26
11/27/2025 7:17:00 PM,2025,1/1/2025,3/31/2025,33028,33028,0,"Anew Carbon Development, LLC",ACR851,\
Anew - Big Poplar Forestry Project,Forest Carbon,\
Improved Forest Management (IFM) on Non-Federal U.S. Forestlands,Version 2.0,"TÜV SÜD America, Inc.",US,Yes,
2/14/2026 2:25:22 AM,2025,1/1/2025,12/31/2025,15886,11814,4072,277,ACR735,Some  Forest ,Forest Carbon,\
Improved Forest Management (IFM) on Non-Federal U.S. Forestlands,,SCS Global Services,US,,
2/14/2026 2:25:22 AM,2025,,31/12/2025,1,1,0,A-Gas US Inc.,ACR9,Reclaim,Industrial Process Emissions,\
"Certified Reclaimed HFC Refrigerants, Propellants, and Fire Suppressants",Version 2.0,,Nowhere,,
"""

ART = """\
Date Approved,Program ID,Program Name,Sovereign Program Developer,Crediting Program and Standard,\
Program Type,Standard Version,Vintage,Total Emission Reductions/Removals,\
Credits Deposited in Buffer,Credits Verified,Program  Country,Verification Body
12/21/2025,ART102,Guyana,Guyana Forestry Commission,\
ART - The REDD+ Environmental Excellence Standard (TREES),\
Forest Carbon,Version 2.0,2023,9621384,535461,9085923,GUYANA,AENOR Confia S.A.
03/09/2026,ART130,Tai,RCI,FCPF,Forest Carbon,,2022,109796,0,109796,COTE D'IVOIRE,
"""

CAR = """\
Date Issued,Project ID,Project Name,Project Developer,Project Owner,Project Type,Reduction/Removal,\
Protocol and Version,Vintage,Total Offset Credits Issued,Project Site Country,Verification Body
03/19/2026,CAR2264,Ama-nap,"Keyrock Environment,LLC",x,Mine Methane Capture - ARB Compliance,Reduction,\
"Mine Methane Capture - ARB Compliance, April 25, 2014",2026,9166,US,"Agri-Waste Technology, Inc."
12/31/2025,CAR1568,Topia,Topia S.C.,x,Forestry - MX,Removal,\
Forestry - MX - Version 3.0,2025,22287,MX,GREEN S.C.
12/31/2025,CAR1,Odd,Odd,x,Forestry - MX,Removal,Forestry - MX - Version 3.0,latest,22287,MX,GREEN S.C.
"""


@pytest.fixture
def registries(tmp_path: Path) -> Path:
    for registry, text in (
        ("american-carbon-registry", ACR),
        ("art-trees", ART),
        ("climate-action-reserve", CAR),
    ):
        (tmp_path / registry).mkdir()
        (tmp_path / registry / "issuances.csv").write_text(text, encoding="utf-8")
    return tmp_path


def test_rows_of_three_registries(registries: Path) -> None:
    extracted = {(row["project_id"]): row for row in extract.rows(registries)}
    assert list(extracted) == ["ACR851", "ACR735", "ACR9", "ART102", "ART130", "CAR2264", "CAR1568", "CAR1"]
    assert extracted["ACR851"] == {
        "registry": "american-carbon-registry",
        "project_id": "ACR851",
        "project_name": "Anew - Big Poplar Forestry Project",
        "developer": "Anew Carbon Development, LLC",
        "country": "US",
        "lever": "removal",
        "kind": "removal",
        "methodology": "Improved Forest Management (IFM) on Non-Federal U.S. Forestlands, Version 2.0",
        "period_start": "2025-01-01",
        "period_end": "2025-04-01",
        "quantity_tco2e": "33028",
        "serial": "",
        "verifier": "TÜV SÜD America, Inc.",
    }


def test_totals_include_the_buffer_where_the_registry_issues_it(registries: Path) -> None:
    quantities = {row["project_id"]: row["quantity_tco2e"] for row in extract.rows(registries)}
    assert (quantities["ACR735"], quantities["ART102"], quantities["CAR2264"]) == ("15886", "9085923", "9166")


def test_a_period_ends_on_the_day_after_its_last(registries: Path) -> None:
    periods = {row["project_id"]: (row["period_start"], row["period_end"]) for row in extract.rows(registries)}
    assert periods["ACR735"] == ("2025-01-01", "2026-01-01")
    assert periods["ART102"] == ("2023-01-01", "2024-01-01")
    assert periods["CAR2264"] == ("2026-01-01", "2027-01-01")


def test_what_is_missing_or_unreadable_stays_as_published(registries: Path) -> None:
    """Y: nothing is repaired; the ledger refuses such rows one by one, with their codes."""
    extracted = {row["project_id"]: row for row in extract.rows(registries)}
    odd = extracted["ACR9"]
    assert (odd["period_start"], odd["period_end"], odd["country"]) == ("", "31/12/2025", "Nowhere")
    assert (odd["verifier"], odd["lever"]) == ("", "circular-economy")
    assert (extracted["CAR1"]["period_start"], extracted["CAR1"]["period_end"]) == ("latest", "latest")
    assert (extracted["ACR735"]["project_name"], extracted["ACR735"]["developer"]) == ("Some Forest", "277")
    assert (extracted["ART130"]["country"], extracted["ART130"]["methodology"]) == ("CI", "FCPF")


def test_kind_and_lever_follow_the_registrys_own_marks(registries: Path) -> None:
    marks = {row["project_id"]: (row["kind"], row["lever"]) for row in extract.rows(registries)}
    assert marks["ACR735"] == ("reduction", "other")
    assert marks["ART102"] == ("reduction", "other")
    assert marks["CAR1568"] == ("removal", "removal")


def test_writing_twice_gives_the_same_bytes(registries: Path) -> None:
    outs = [io.StringIO(newline=""), io.StringIO(newline="")]
    for out in outs:
        extract.write(out, extract.rows(registries))
    assert outs[0].getvalue() == outs[1].getvalue()
    assert "\r" not in outs[0].getvalue()


def test_the_shipped_file_has_all_211_issuances() -> None:
    """Two vintages that have not ended and nine rows without a verifier are among them."""
    path = Path(extract.__file__).with_name("issuances.csv")
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        shipped = list(reader)
    assert tuple(reader.fieldnames or ()) == extract.COLUMNS
    assert len(shipped) == 211
    assert len({row["registry"] for row in shipped}) == 3
    for row in shipped:
        start, end = (date.fromisoformat(row[name]) for name in ("period_start", "period_end"))
        assert start < end
        assert int(row["quantity_tco2e"]) > 0
        assert len(row["country"]) == 2
        assert all(value == " ".join(value.split()) for value in row.values())
    assert sum(not row["verifier"] for row in shipped) == 9
    assert sum(row["period_end"] == "2027-01-01" for row in shipped) == 2
