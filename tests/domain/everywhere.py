"""Prints one digest over every figure that what ships gives for its golden examples, with steps and draws.

Run by `test_everywhere.py` in processes with other hash seeds, locales, time zones and interpreters.
"""

from __future__ import annotations

import hashlib
import re
import sys

import msgspec

from api.methodologies import SHIPPED_METHODOLOGIES, finder, shipped_methodology
from api.methodologies.drafts import judge
from ledger.domain.rules.v1.formulas import find_factor
from ledger.domain.statements.claim import InputValue
from ledger.domain.steps import calculate, decimal_text
from tests.domain.goldens import GOLDENS
from verifier.montecarlo import simulate

NUMBER = re.compile(r"[0-9.]+")


def figures(name: str) -> list[object]:
    """Everything that is computed for a methodology's examples, with made-up uncertainties."""
    method = shipped_methodology(name)
    find = finder()
    factors = {key: find_factor(use, find, name=key) for key, use in method.factors.items()}
    judged = judge(msgspec.json.encode(method), find=find, gwp_sets=("AR5",))
    said: list[object] = [name, [str(one) for one in judged.problems], judged.notes, judged.terms]
    for golden in GOLDENS[name]:
        inputs = {}
        for number, word in enumerate(golden.inputs.split()):
            key, text = word.split("=")
            value = NUMBER.match(text)[0]  # type: ignore[index]
            inputs[key] = InputValue(value, text[len(value) :] or method.inputs[key].unit, 70_000 + 1_000 * number)
        made = calculate(method, factors, inputs, deduction_above_ppm=50_000)
        said += [made.estimate, [decimal_text(one.grams) for one in made.steps]]
        said += [{key: decimal_text(value) for key, value in made.moved_g.items()}]
        said += [simulate(method, factors, inputs, seed="everywhere", draws=40)]
    return said


if __name__ == "__main__":
    everything = [figures(name) for name in SHIPPED_METHODOLOGIES]
    raw = msgspec.json.encode(everything)
    sys.stdout.write(f"{len(raw)} {hashlib.sha256(raw).hexdigest()}\n")
