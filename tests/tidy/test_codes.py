"""Every code that is raised stands in ledger/codes with its remedy, and none stands there idle.

A code may be written where the error is made, as a literal, as a constant of the module, or handed on through a
parameter named `code`. Anything else is refused here, because no reader could find it either.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from ledger import errors
from ledger.codes import REMEDIES
from tests.tidy.source import PACKAGES, ROOT, python_files, tree, where

ERRORS = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.LedgerError)
}
OWN_CODE = {"BadProof"}  # takes two roots; its code stands in its own constructor
TABLE = ROOT / "ledger" / "codes"
CODE_MESSAGE_LENGTH_MIN = 20

Parameters = dict[str, tuple[int, ...]]


def name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def sources() -> tuple[Path, ...]:
    return tuple(path for path in python_files(*PACKAGES) if not path.is_relative_to(TABLE))


def functions_with_code() -> Parameters:
    """Functions of ours that hand a parameter `code` on to an error, and its place (self does not count)."""
    found: Parameters = {}
    definitions = [
        node
        for path in sources()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "__init__"
    ]
    while True:
        known = dict(found)
        for node in definitions:
            names = [argument.arg for argument in node.args.args if argument.arg not in {"self", "cls"}]
            if "code" in [*names, *(argument.arg for argument in node.args.kwonlyargs)] and hands_on(node, found):
                found[node.name] = (names.index("code"),) if "code" in names else ()
        if found == known:
            return found


def hands_on(function: ast.AST, known: Parameters) -> bool:
    """Whether the function's `code` becomes the code of an error, here or further on."""
    return any(
        isinstance(code, ast.Name) and code.id == "code"
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
        for code in codes_given(call, (0,) if name_of(call.func) in ERRORS else known.get(name_of(call.func), ()))
    )


def codes_given(call: ast.Call, places: tuple[int, ...]) -> Iterator[ast.expr]:
    yield from (call.args[place] for place in places if place < len(call.args))
    yield from (keyword.value for keyword in call.keywords if keyword.arg == "code")


def literals(expression: ast.expr, constants: dict[str, str]) -> Iterator[str | None]:
    """The codes that an expression can be; None for one that cannot be read off the source."""
    match expression:
        case ast.Constant(value=str(code)):
            yield code
        case ast.IfExp(body=body, orelse=orelse):
            yield from literals(body, constants)
            yield from literals(orelse, constants)
        case ast.Name(id=name) if name in constants:
            yield constants[name]
        case ast.Name(id="code") | ast.Attribute(attr="code"):
            return
        case _:
            yield None


def raised() -> Iterator[tuple[str, str | None]]:
    """Every (place, code) at which an error is made or a code handed on."""
    handing_on = functions_with_code()
    for path in sources():
        module = tree(path)
        constants = {
            target.id: node.value.value
            for node in module.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name) and isinstance(node.value.value, str)
        }
        for node in ast.walk(module):
            if not isinstance(node, ast.Call):
                continue
            name = name_of(node.func)
            places = (0,) if name in ERRORS - OWN_CODE else handing_on.get(name)
            if places is not None:
                for expression in codes_given(node, places):
                    for code in literals(expression, constants):
                        yield where(path, node), code


def test_every_code_is_plain_to_read() -> None:
    assert [place for place, code in raised() if code is None] == []


def test_every_code_has_a_remedy() -> None:
    assert [f"{place} {code}" for place, code in raised() if code is not None and code not in REMEDIES] == []


def test_no_code_is_idle() -> None:
    """A code that nobody can meet any more would be a promise about nothing."""
    written = {
        node.value
        for path in sources()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(REMEDIES) - written == set()


def test_remedies_are_sentences_about_what_to_do() -> None:
    assert [
        code for code, remedy in REMEDIES.items() if not code.replace("_", "").isalnum() or not code.islower()
    ] == []
    assert [
        code for code, text in REMEDIES.items() if len(text) < CODE_MESSAGE_LENGTH_MIN or not text.endswith(".")
    ] == []
