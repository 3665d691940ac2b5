"""A file is a room, a function fits a screen, and the door of every room says what it is for."""

from __future__ import annotations

import ast

from tests.tidy.source import ROOT, files, python_files, tree, where

FILE_LINES_MAX = 320
FUNCTION_LINES_MAX = 70

TOP_LEVEL = {
    *("ledger", "verifier", "api", "keys", "tests", "docs", "benchmarks", ".ci"),
    *("pyproject.toml", "Makefile", ".gitignore", "LICENSE"),
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md"),
}


def test_no_file_is_longer_than_a_room() -> None:
    long = {where(path): len(path.read_text(encoding="utf-8").splitlines()) for path in python_files()}
    assert {path: lines for path, lines in long.items() if lines > FILE_LINES_MAX} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    long = {}
    for path in python_files():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                lines = node.end_lineno - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    long[f"{where(path, node)} {node.name}"] = lines
    assert long == {}


def test_every_module_says_on_its_door_what_it_is_for() -> None:
    assert [where(path) for path in python_files() if not (ast.get_docstring(tree(path)) or "").strip()] == []


def test_the_top_level_holds_what_the_design_names() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in files()} - TOP_LEVEL == set()
