"""docs/security.md tells where each threat of groups C, S and H is tested, and the tests themselves say the same.

`python -m tests.tidy.test_threats` writes the places into the table anew, reasons left as they are.

A test module claims items in the docstring on its door ("Covers THREATS H01, H03 to H05"); the table names the same
modules for the same items. An item without a test says why.
"""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.tidy.source import ROOT, python_files, tree, where

TABLE = ROOT / "docs" / "security.md"
GROUPS = {"C": 25, "S": 23, "H": 22}
ITEMS = [f"{group}{number:02d}" for group, count in GROUPS.items() for number in range(1, count + 1)]
CLAIM = re.compile(r"\b([CSH])(\d\d)(?: to \1(\d\d))?\b")
ROW = re.compile(r"^\| ([CSH]\d\d) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[a-z0-9_/]+\.py)(?:::([a-z_0-9]+))?`")
REASON_CHARACTERS_MIN = 20


@cache
def rows() -> dict[str, str]:
    """Where each item is tested, as the table has it."""
    found = ROW.findall(TABLE.read_text(encoding="utf-8"))
    assert len(found) == len({item for item, _, _ in found}), "an item stands in the table once"
    return {item: place for item, _, place in found}


@cache
def claimed() -> dict[str, frozenset[str]]:
    """What each test module says that it covers."""
    claims = {}
    for path in python_files("tests"):
        if path.name.startswith("test_") and path.parent.name != "tidy":
            said = ast.get_docstring(tree(path)) or ""
            claims[where(path).partition(":")[0]] = frozenset(
                f"{group}{number:02d}"
                for group, first, last in CLAIM.findall(said)
                for number in range(int(first), int(last or first) + 1)
            )
    return claims


def test_the_judge_itself_reads_ranges() -> None:
    assert CLAIM.findall("Covers THREATS C01, S03 to S05; H02") == [("C", "01", ""), ("S", "03", "05"), ("H", "02", "")]


def test_every_item_has_a_row() -> None:
    assert sorted(rows()) == sorted(ITEMS)


@pytest.mark.parametrize("item", ITEMS)
def test_an_item_is_tested_or_says_why_not(item: str) -> None:
    place = rows()[item]
    assert TEST.search(place) or len(place.strip()) >= REASON_CHARACTERS_MIN


def test_every_test_that_the_table_names_is_there_and_says_so_itself() -> None:
    wrong = []
    for item, place in rows().items():
        for path, name in TEST.findall(place):
            if item not in claimed().get(path, ()):
                wrong.append(f"{item}: {path} does not say that it covers it")
            elif name and name not in names_in(path):
                wrong.append(f"{item}: {path} has no {name}")
    assert wrong == []


def names_in(path: str) -> set[str]:
    return {node.name for node in ast.walk(tree(ROOT / path)) if isinstance(node, ast.FunctionDef)}


def test_every_test_that_says_so_is_named_by_the_table() -> None:
    missing = [
        f"{item} {path}"
        for path, items in claimed().items()
        for item in sorted(items)
        if path not in {named for named, _ in TEST.findall(rows()[item])}
    ]
    assert missing == []


def rewrite() -> None:
    """Put into the table what the tests say; a row without tests keeps its reason until there is one."""
    places: dict[str, list[str]] = {}
    for path, items in sorted(claimed().items()):
        for item in items:
            places.setdefault(item, []).append(f"`{path}`")

    def row(match: re.Match[str]) -> str:
        item, text, place = match.groups()
        return f"| {item} | {text} | {', '.join(places.get(item, [place]))} |"

    TABLE.write_text(ROW.sub(row, TABLE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    rewrite()
