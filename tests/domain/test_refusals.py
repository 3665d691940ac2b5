"""Every rule refuses what it is there to refuse, with its own code, and takes what lies just inside.

The last statement of a case is the only one that may be refused: all steps before it must be accepted.

Covers THREATS D08 to D25 (one case a rule), R24; RULES 1 to 8.
"""

from __future__ import annotations

import pytest

from ledger.codes.rules import RULES
from ledger.errors import Refused
from tests.domain.cases_claims import CLAIMS
from tests.domain.cases_findings import FINDINGS
from tests.domain.cases_founding import DOCUMENTS, FOUNDING, WHO
from tests.domain.cases_verification import ATTESTATIONS, CERTIFICATES, CORRECTIONS
from tests.domain.scene import Case, Scene

CASES = (*WHO, *FOUNDING, *DOCUMENTS, *CLAIMS, *FINDINGS, *ATTESTATIONS, *CORRECTIONS, *CERTIFICATES)
# Code -> why no case can reach it. Empty: every rule is tried.
NOT_TRIED: dict[str, str] = {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what.replace(" ", "-"))
def test_a_rule_refuses_with_its_own_code(case: Case) -> None:
    scene = Scene(case.policy)
    if case.founded:
        scene.log.add_all(scene.world.founding())
    last = case.last(scene)
    before = len(scene.log.entries)
    if case.code is None:
        scene.log.add(last)
        assert len(scene.log.entries) == before + 1
        return
    with pytest.raises(Refused) as refused:
        scene.log.add(last)
    assert refused.value.code == case.code
    assert refused.value.remedy
    assert len(scene.log.entries) == before


def test_no_rule_is_left_untried() -> None:
    assert RULES.keys() - {case.code for case in CASES} == NOT_TRIED.keys()


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.what for case in CASES}) == len(CASES)
