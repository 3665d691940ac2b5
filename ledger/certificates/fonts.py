"""The fonts of a certificate: which one writes which character, how wide a line is, where it breaks.

A name may be in any script: each string is cut into runs, the Source fonts
first, Noto Sans SC for what they lack. What no font has is refused: a drawing
library would leave a blank in its place and say nothing.

Units: points.
Source: CERTIFICATE 1.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Literal, NamedTuple

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from ledger.errors import Refused

Face = Literal["Sans", "SemiBold", "Serif", "Mono"]

_FILES = {
    "Sans": "SourceSans3-Regular.ttf",
    "SemiBold": "SourceSans3-SemiBold.ttf",
    "Serif": "SourceSerif4-SemiBold.ttf",
    "Mono": "SourceCodePro-Regular.ttf",
    "Noto": "NotoSansSC-Regular-GB2312.ttf",
}
_FALLBACK = "Noto"


class Run(NamedTuple):
    """Neighbouring characters that one font writes."""

    font: str
    text: str


@lru_cache(maxsize=1)
def _coverage() -> dict[str, frozenset[int]]:
    """Register every font once; which characters each can write."""
    held: dict[str, frozenset[int]] = {}
    folder = files("ledger.certificates") / "fonts"
    for name, file in _FILES.items():
        font = TTFont(name, str(folder / file))
        pdfmetrics.registerFont(font)
        held[name] = frozenset(code for code, glyph in font.face.charToGlyph.items() if glyph)
    return held


def load() -> None:
    """Make the fonts known to the drawing library."""
    _coverage()


@lru_cache(maxsize=8192)
def runs(text: str, face: Face) -> tuple[Run, ...]:
    """The text in runs of one font each.

    Raises: Refused `missing_glyph` with the first character that no font has.
    """
    held = _coverage()
    found: list[Run] = []
    for character in text:
        fonts = [name for name in (face, _FALLBACK) if ord(character) in held[name]]
        if not fonts:
            raise Refused(
                "missing_glyph",
                f"no font of the certificate has U+{ord(character):04X} of {text[:80]!r}",
                character=f"U+{ord(character):04X}",
            )
        if found and found[-1].font == fonts[0]:
            found[-1] = Run(fonts[0], found[-1].text + character)
        else:
            found.append(Run(fonts[0], character))
    return tuple(found)


def width(text: str, face: Face, size: float) -> float:
    """How wide a line of text is."""
    return float(sum(pdfmetrics.stringWidth(run.text, run.font, size) for run in runs(text, face)))


def wrap(text: str, face: Face, size: float, room: float) -> list[str]:
    """Lines that fit the room: broken at spaces, and inside a word that is wider than the room or has none."""
    lines: list[str] = []
    line = ""
    for word in _words(text):
        if width((line + word).rstrip(), face, size) <= room:
            line += word
            continue
        if line.strip():
            lines.append(line.rstrip())
        line = ""
        for character in word:
            if line and width((line + character).rstrip(), face, size) > room:
                lines.append(line)
                line = ""
            line += character
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _words(text: str) -> list[str]:
    """Pieces after each of which a line may end: a word with its space, or one character of Chinese or Japanese."""
    words, word = [], ""
    for character in text:
        if ord(character) >= 0x2E80:
            words += [word, character] if word else [character]
            word = ""
        else:
            word += character
            if character == " ":
                words.append(word)
                word = ""
    return [*words, word] if word else words


def fit(
    text: str, face: Face, *, room: float, height: float, largest: float, smallest: float, leading: float = 1.2
) -> tuple[float, list[str]]:
    """The largest size, in half points, at which the wrapped text fits, and its lines; the smallest always does."""
    size = largest
    while size > smallest:
        lines = wrap(text, face, size, room)
        if len(lines) * size * leading <= height:
            return size, lines
        size -= 0.5
    return smallest, wrap(text, face, smallest, room)


def shorten(text: str, face: Face, size: float, room: float) -> str:
    """The text, or its beginning and an ellipsis where it does not fit the room."""
    if width(text, face, size) <= room:
        return text
    while text and width(text + "\N{HORIZONTAL ELLIPSIS}", face, size) > room:
        text = text[:-1]
    return text.rstrip() + "\N{HORIZONTAL ELLIPSIS}"
