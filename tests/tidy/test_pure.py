"""Below the line nothing is approximate and nothing comes from outside: no float, no clock, no other package.

The import contracts in pyproject.toml forbid files, sockets and chance there; what they cannot see is here.
Exact rationals are written `Fraction(a, b)`: a `/` is exact or not by the types at hand, which no reader sees.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.tidy.source import ROOT, python_files, tree, where

PURE = ("ledger/core", "ledger/domain")
EXACT_FROM_MATH = {"isqrt", "gcd", "lcm", "comb", "perm", "factorial", "prod"}
CLOCKS = {"now", "utcnow", "today", "time_ns", "monotonic", "perf_counter"}
# Beside the standard library; nacl has a contract of its own, which names the one file.
ALLOWED = {"ledger/core": {"msgspec", "pybase64", "nacl"}, "ledger/domain": {"msgspec"}}


def approximate(module: ast.Module) -> Iterator[ast.AST]:
    """The nodes that are, make or may give a float."""
    for node in ast.walk(module):
        match node:
            case ast.Constant(value=float() | complex()):
                yield node
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                yield node
            case ast.Name(id="float" | "complex"):
                yield node
            case ast.Import(names=names) if any(name.name in {"math", "cmath", "statistics"} for name in names):
                yield node
            case ast.ImportFrom(module="math", names=names) if {name.name for name in names} - EXACT_FROM_MATH:
                yield node
            case ast.ImportFrom(module="cmath" | "statistics"):
                yield node
            case _:
                pass


# Above core and domain, and below api: what may be approximate, by name, and what it measures.
APPROXIMATE = {
    "ledger/certificates": "points on a page",
    "ledger/store/sqlite.py": "seconds that SQLite waits for a lock",
    "ledger/sequencer/keeper.py": "seconds between two tries",
}
NUMBERS = re.compile(r"(?:_(?:g|kg|t|ppm|ms|s|bytes|max|size|count|index)|\d)\Z", re.IGNORECASE)


def numeric(node: ast.expr) -> bool:
    """Whether an operand is to be seen to be a number; a `/` may also join paths, and no reader sees types."""
    match node:
        case ast.Constant(value=int() | float()):
            return True
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return NUMBERS.search(name) is not None
        case ast.Call(func=ast.Name(id="len" | "sum" | "int" | "abs" | "min" | "max")):
            return True
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.FloorDiv() | ast.Mod()):
            return True
        case _:
            return False


def approximate_figures(module: ast.Module) -> Iterator[ast.AST]:
    """As `approximate`, but a `/` between what may be paths is left alone."""
    for node in approximate(module):
        sides = (node.left, node.right) if isinstance(node, ast.BinOp) else ()
        if not sides or any(map(numeric, sides)):
            yield node


def packages(module: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Every import, with the name of the distribution or package at its top."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from ((node, name.name.split(".")[0]) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node, node.module.split(".")[0]


def test_the_judge_itself_sees_floats() -> None:
    """A check that cannot fail proves nothing: each of these is found, and exact arithmetic is left alone."""
    found = ("1.5", "a / b", "a /= b", "float(a)", "1j", "import math", "from math import sqrt")
    assert [text for text in found if not list(approximate(ast.parse(text)))] == []
    exact = ("a // b", "Fraction(1, 3)", "'a/b'", "from math import isqrt", "a * b", "1_000")
    assert [text for text in exact if list(approximate(ast.parse(text)))] == []


def test_no_float_in_core_or_domain() -> None:
    assert [where(path, node) for path in python_files(*PURE) for node in approximate(tree(path))] == []


def test_the_judge_of_figures_leaves_paths_alone() -> None:
    found = ("total_g / 1000", "len(rows) / n", "a.grams_ppm / b", "(a + b) / c", "0.5", "float(a)")
    assert [text for text in found if not list(approximate_figures(ast.parse(text)))] == []
    paths = ("folder / name", "root / 'tile' / path", "Path(folder) / f'{n}.json'", "self._root / bundle_path(i, w)")
    assert [text for text in paths if list(approximate_figures(ast.parse(text)))] == []


def test_no_float_below_the_api() -> None:
    """Figures are whole or exact all the way up; what is approximate by nature is named above."""
    found = [
        f"{where(path, node)} {ast.unparse(node)}"
        for path in python_files("ledger", "keys", "verifier")
        if not any(path.is_relative_to(ROOT / place) for place in APPROXIMATE)
        for node in approximate_figures(tree(path))
    ]
    assert found == []


def test_no_clock_in_core_or_domain() -> None:
    called = (
        where(path, node)
        for path in python_files(*PURE)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS
    )
    assert list(called) == []


def test_core_and_domain_lean_on_little() -> None:
    foreign = []
    for folder, allowed in ALLOWED.items():
        for path in python_files(folder):
            for node, package in packages(tree(path)):
                if package not in allowed | {"ledger"} and package not in sys.stdlib_module_names:
                    foreign.append(f"{where(path, node)} {package}")
    assert foreign == []


def test_the_time_of_day_has_one_door() -> None:
    """The sequencer stamps entries by one clock; elsewhere in the ledger nobody asks what time it is."""
    clock = Path("ledger/sequencer/clock.py")
    asked = [
        where(path, node)
        for path in python_files("ledger")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and node.attr in {"now", "utcnow", "today", "time_ns"}
        and path != ROOT / clock
    ]
    assert asked == []
