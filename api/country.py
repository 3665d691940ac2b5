"""Countries as people write them -> ISO 3166-1 alpha-2.

Import files name a country by its code or by one of its English names, in any case, with or without
accents, and often turned round for sorting (`Korea, Republic of`). Nothing is guessed here: a text that is
not exactly the words of one name is refused, and so are names of places that ISO 3166-1 does not list.

Source: ISO 3166-1 as pycountry carries it; `_ALIASES` adds the short and former names in common use.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import pycountry

from ledger.errors import Malformed

_TEXT_LENGTH_MAX = 200

# Words that carry no meaning in a country's name.
_FILLERS = frozenset({"and", "of", "the"})
_SPELLINGS = {"st": "saint"}
_INSIDE_WORDS = frozenset(".'`\u2019\u02bc")

_ALIASES = {
    "Brunei": "BN",
    "Burma": "MM",
    "Cape Verde": "CV",
    "Congo (Brazzaville)": "CG",
    "Congo (DRC)": "CD",
    "Congo (Kinshasa)": "CD",
    "Czech Republic": "CZ",
    "Democratic Republic of Congo": "CD",
    "DR Congo": "CD",
    "DRC": "CD",
    "East Timor": "TL",
    "Falkland Islands": "FK",
    "Great Britain": "GB",
    "Holy See": "VA",
    "Ivory Coast": "CI",
    "Lao PDR": "LA",
    "Macau": "MO",
    "Macedonia": "MK",
    "Micronesia": "FM",
    "Palestine": "PS",
    "Republic of Korea": "KR",
    "Russia": "RU",
    "Saint Helena": "SH",
    "Swaziland": "SZ",
    "Turkey": "TR",
    "UAE": "AE",
    "UK": "GB",
    "US Virgin Islands": "VI",
    "Vatican City": "VA",
}


def country_alpha2(text: str) -> str:
    """The two-letter code of the country that `text` names by code or by an English name.

    Raises: Malformed (`unknown_country`) if it is no code or name of exactly one country.
    """
    found = _codes_by_words().get(_words(text)) if len(text) <= _TEXT_LENGTH_MAX else None
    if found is None:
        raise Malformed(
            "unknown_country",
            f"{text[:_TEXT_LENGTH_MAX]!r} is no country of ISO 3166-1",
            country=text[:_TEXT_LENGTH_MAX],
        )
    return found


def _words(text: str) -> tuple[str, ...]:
    """The meaning words of a name in one spelling and one order, so that turned-round names meet."""
    letters = unicodedata.normalize("NFKD", text).casefold()
    # Accents vanish, and so do points and apostrophes (U.S., d'Ivoire); every other sign parts two words.
    letters = "".join(c for c in letters if not unicodedata.combining(c) and c not in _INSIDE_WORDS)
    letters = "".join(c if c.isalnum() else " " for c in letters)
    words = [_SPELLINGS.get(word, word) for word in letters.split()]
    # AND alone is Andorra's code.
    return tuple(sorted([word for word in words if word not in _FILLERS] or words))


@cache
def _codes_by_words() -> dict[tuple[str, ...], str]:
    found: dict[tuple[str, ...], str] = {}
    for country in pycountry.countries:
        names = [getattr(country, field, None) for field in ("name", "official_name", "common_name")]
        for name in (country.alpha_2, country.alpha_3, *names):
            if name:
                _add(found, name, country.alpha_2)
    for name, alpha2 in _ALIASES.items():
        _add(found, name, alpha2)
    return found


def _add(found: dict[tuple[str, ...], str], name: str, alpha2: str) -> None:
    words = _words(name)
    assert found.setdefault(words, alpha2) == alpha2, f"{name} would name {found[words]} and {alpha2}"
