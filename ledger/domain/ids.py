"""Names that must have one spelling, so that the same thing cannot be counted under two.

Source: RULES 2 (`counted_by`), ISO 3166-1, RFC 3986 section 6.2.2.
"""

from __future__ import annotations

import re

from ledger.errors import Malformed

# ISO 3166-1 alpha-2, officially assigned, as of 2026. Part of the rule book.
COUNTRIES = frozenset(
    (
        "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT "
        "BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH "
        "ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT "
        "HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS "
        "LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI "
        "NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG "
        "SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG "
        "UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
    ).split()
)

_ESCAPE = re.compile(r"%(..?)?")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def require_country(code: str) -> None:
    """Raises: Malformed `unknown_country` unless ISO 3166-1 assigns the code."""
    if code not in COUNTRIES:
        raise Malformed("unknown_country", f"ISO 3166-1 assigns no country to {code!r}", country=code)


def require_one_spelling(uri: str) -> None:
    """Hold percent-encoding to its one normal form: upper-case hex, and only where it is needed.

    Raises: Malformed `uri_not_normal`.
    """
    if "%" not in uri:
        return
    for match in _ESCAPE.finditer(uri):
        digits = match.group(1) or ""
        if len(digits) != 2 or any(digit not in "0123456789ABCDEF" for digit in digits):
            raise Malformed(
                "uri_not_normal", f"{uri!r} has an escape that is not % and two upper-case hex digits", uri=uri
            )
        if chr(int(digits, 16)) in _UNRESERVED:
            raise Malformed("uri_not_normal", f"{uri!r} escapes %{digits}, which needs no escape", uri=uri)


def require_distinct(values: tuple[str, ...], *, what: str) -> None:
    """Raises: Malformed `duplicate_member` when a list that is a set names something twice."""
    if len(set(values)) != len(values):
        raise Malformed("duplicate_member", f"{what} names something twice", what=what)
