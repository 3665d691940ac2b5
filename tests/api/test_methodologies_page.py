"""docs/methodologies.md names what ships: its tables are those of the files.

`python -m tests.api.test_methodologies_page` prints them anew.
"""

from __future__ import annotations

import sys
from pathlib import Path

from api.methodologies import SHIPPED_FACTOR_SETS, SHIPPED_METHODOLOGIES, shipped_factor_set, shipped_methodology
from ledger.domain.statements.methodology import Term

PAGE = Path(__file__).parents[2] / "docs" / "methodologies.md"


def formula(terms: tuple[Term, ...]) -> str:
    products = []
    for one in terms:
        text = "".join(f" {'x' if name.power > 0 else '/'} {name.name}" for name in one.factors).removeprefix(" x ")
        text = text if one.coefficient == "1" else f"{one.coefficient} x {text}"
        bounds = [f"{word} {value}" for word, value in (("beyond", one.beyond), ("up to", one.up_to)) if value]
        products.append(f"{text} ({', '.join(bounds)})" if bounds else text)
    return " + ".join(products)


def rows() -> list[str]:
    lines = ["| methodology | kind | GWP | formula | source |", "|---|---|---|---|---|"]
    for name in SHIPPED_METHODOLOGIES:
        one = shipped_methodology(name)
        parts = [formula(one.baseline), *(f"({formula(terms)})" for terms in (one.project, one.leakage) if terms)]
        lines.append(f"| `{name}` | {one.kind} | {one.gwp_set or ''} | {' - '.join(parts)} | {one.source} |")
    lines += ["", "| factor set | factors | regions | licence of the data |", "|---|---|---|---|"]
    for name in SHIPPED_FACTOR_SETS:
        chosen = shipped_factor_set(name)
        regions = sorted({one.region[:2] if one.region != "world" else "world" for one in chosen.factors})
        lines.append(f"| `{name}` | {len(chosen.factors)} | {', '.join(regions)} | {chosen.licence} |")
    return lines


def test_the_page_lists_what_ships() -> None:
    kept = PAGE.read_text(encoding="utf-8").splitlines()
    assert kept[-len(rows()) :] == rows()


if __name__ == "__main__":
    sys.stdout.write("\n".join(rows()) + "\n")
