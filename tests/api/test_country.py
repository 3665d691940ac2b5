"""Countries by code and by English name, in the spellings that import files use."""

from __future__ import annotations

import unicodedata

import pycountry
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.country import country_alpha2
from ledger.errors import Malformed

NAMES = [
    (name, country.alpha_2)
    for country in pycountry.countries
    for field in ("alpha_2", "alpha_3", "name", "official_name", "common_name")
    if (name := getattr(country, field, None))
]


def without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def turned_round(text: str) -> str:
    return " ".join(reversed(text.split(", ", 1)))


@pytest.mark.parametrize("change", [str, str.upper, str.lower, str.title, without_accents, turned_round])
def test_every_iso_name_is_known_in_every_spelling(change) -> None:
    assert [(change(name), country_alpha2(change(name))) for name, _ in NAMES] == [
        (change(name), code) for name, code in NAMES
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Korea, Republic of", "KR"),
        ("republic of korea", "KR"),
        ("Korea, South", "KR"),
        ("Korea, Democratic People's Republic of", "KP"),
        ("Tanzania", "TZ"),
        ("Viet Nam", "VN"),
        ("VIETNAM", "VN"),
        ("COTE D'IVOIRE", "CI"),
        ("Cote d\u2019Ivoire", "CI"),
        ("Cote d\u02bcIvoire", "CI"),
        ("Russia", "RU"),
        ("Turkey", "TR"),
        ("TURKIYE", "TR"),
        ("Iran", "IR"),
        ("Bolivia", "BO"),
        ("Venezuela", "VE"),
        ("Congo (DRC)", "CD"),
        ("CONGO, THE DEMOCRATIC REPUBLIC OF THE", "CD"),
        ("Congo", "CG"),
        ("Congo, Republic of the", "CG"),
        ("Gambia, The", "GM"),
        ("Trinidad & Tobago", "TT"),
        ("St. Lucia", "LC"),
        ("Guinea-Bissau", "GW"),
        ("Guinea", "GN"),
        ("Niger", "NE"),
        ("U.S.", "US"),
        ("u.s.a.", "US"),
        ("UK", "GB"),
        ("Czech Republic", "CZ"),
        ("  brazil\t", "BR"),
        ("Virgin Islands, U.S.", "VI"),
        ("Hong Kong", "HK"),
    ],
)
def test_names_as_registries_write_them(text: str, code: str) -> None:
    assert country_alpha2(text) == code


@pytest.mark.parametrize(
    "text", ["", " ", "ZZ", "Kosovo", "Atlantis", "of the", "Korea", "United", "x" * 10_000, "\x00"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        country_alpha2(text)
    assert caught.value.code == "unknown_country"
    assert caught.value.facts["country"] == text[:200]


@given(st.text())
@example("\ud800")
def test_any_text_gives_a_code_or_a_refusal(text: str) -> None:
    try:
        code = country_alpha2(text)
    except Malformed:
        return
    assert pycountry.countries.get(alpha_2=code)
