"""Sheets of paper: text, boxes and the drawn ornaments that every page shares.

A sheet collects what is to be drawn, so that the number of sheets is known
before the first is written. Every coordinate is rounded, because sine may
differ in its last digit between machines.

Units: points, from the upper left corner of an A4 sheet.
Source: CERTIFICATE 9.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, pi, sin
from typing import Any, Literal

from ledger.certificates import fonts
from ledger.certificates.fonts import Face
from ledger.certificates.qr import bars

WIDTH, HEIGHT = 595.28, 841.89
LEFT, RIGHT = 56.0, 539.28
ROOM = RIGHT - LEFT
CENTRE = WIDTH / 2

INK, GREEN, GOLD, GREY = "#12302A", "#0E5A45", "#A67C1E", "#5B6B66"
MINT, PALE, LINE, SAND, WHITE = "#3E8E70", "#F3F8F6", "#CBD8D3", "#F5EEDF", "#FFFFFF"
FAINT = "#DCE9E4"
LEVER_COLOURS = (GREEN, MINT, GOLD, "#7FB59F", "#C9A85A", "#9BA9A4")

Align = Literal["left", "centre", "right"]
Canvas = Any
_SHIFT = {"left": 0.0, "centre": 0.5, "right": 1.0}


def _r(value: float) -> float:
    return round(value, 2)


class Sheet:
    """One page, as a list of things to draw."""

    def __init__(self) -> None:
        self._steps: list[Callable[[Canvas], None]] = []

    def draw(self, canvas: Canvas) -> None:
        """Put everything onto the canvas, in the order in which it was asked for."""
        for step in self._steps:
            canvas.saveState()
            step(canvas)
            canvas.restoreState()

    def text(
        self,
        text: str,
        *,
        x: float,
        y: float,
        size: float,
        face: Face = "Sans",
        colour: str = INK,
        align: Align = "left",
        spacing: float = 0.0,
    ) -> float:
        """A line of text on the base line `y`; its width."""
        wide = fonts.width(text, face, size) + spacing * max(0, len(text) - 1)
        at = x - _SHIFT[align] * wide

        def step(canvas: Canvas) -> None:
            pen = canvas.beginText(_r(at), _r(HEIGHT - y))
            pen.setFillColor(colour)
            if spacing:
                pen.setCharSpace(spacing)
            for run in fonts.runs(text, face):
                pen.setFont(run.font, size)
                pen.textOut(run.text)
            canvas.drawText(pen)

        self._steps.append(step)
        return wide

    def box(self, *, x: float, y: float, wide: float, high: float, colour: str, round_: float = 0.0) -> None:
        """A filled rectangle whose upper left corner is (x, y)."""

        def step(canvas: Canvas) -> None:
            canvas.setFillColor(colour)
            where = (_r(x), _r(HEIGHT - y - high), _r(wide), _r(high))
            if round_:
                canvas.roundRect(*where, round_, stroke=0, fill=1)
            else:
                canvas.rect(*where, stroke=0, fill=1)

        self._steps.append(step)

    def frame(self, *, inset: float, colour: str, thick: float) -> None:
        """A rectangle around the whole sheet."""

        def step(canvas: Canvas) -> None:
            canvas.setStrokeColor(colour)
            canvas.setLineWidth(thick)
            canvas.rect(_r(inset), _r(inset), _r(WIDTH - 2 * inset), _r(HEIGHT - 2 * inset), stroke=1, fill=0)

        self._steps.append(step)

    def path(
        self, points: Sequence[tuple[float, float]], *, colour: str, thick: float = 0.0, filled: bool = False
    ) -> None:
        """A line through points, or the area that they enclose."""

        def step(canvas: Canvas) -> None:
            pen = canvas.beginPath()
            pen.moveTo(_r(points[0][0]), _r(HEIGHT - points[0][1]))
            for x, y in points[1:]:
                pen.lineTo(_r(x), _r(HEIGHT - y))
            if filled:
                canvas.setFillColor(colour)
            else:
                canvas.setStrokeColor(colour)
                canvas.setLineWidth(thick)
            canvas.drawPath(pen, stroke=not filled, fill=filled)

        self._steps.append(step)

    def rule(self, y: float, *, x: float = LEFT, end: float = RIGHT, colour: str = LINE, thick: float = 0.6) -> None:
        """A horizontal line."""
        self.path([(x, y), (end, y)], colour=colour, thick=thick)

    def rosette(
        self, *, x: float, y: float, radius: float, colour: str, petals: int = 12, turns: int = 5, thick: float = 0.25
    ) -> None:
        """A guilloche: epitrochoids of `petals` loops, each turned a little against the one before."""
        for turn in range(turns):
            phase = 2 * pi * turn / turns
            points = []
            for step in range(petals * 30 + 1):
                angle = 2 * pi * step / (petals * 30)
                inner = (petals + 1) * angle + phase
                points.append(
                    (
                        x + radius * (0.66 * cos(angle) + 0.34 * cos(inner)),
                        y + radius * (0.66 * sin(angle) + 0.34 * sin(inner)),
                    )
                )
            self.path(points, colour=colour, thick=thick)

    def waves(self, y: float) -> None:
        """A band of hairlines across the sheet."""
        for strand in range(4):
            points = [
                (LEFT + ROOM * step / 240, y + 2.6 * sin(2 * pi * step / 30 + 0.8 * strand) * cos(pi * strand / 5))
                for step in range(241)
            ]
            self.path(points, colour="#9CC2B4", thick=0.35)

    def code(self, text: str, *, x: float, y: float, side: float) -> None:
        """A QR code on white, with its quiet zone inside `side`."""
        modules, dark = bars(text)
        unit = side / (modules + 8)
        self.box(x=x, y=y, wide=side, high=side, colour=WHITE)

        def step(canvas: Canvas) -> None:
            canvas.setFillColor(INK)
            pen = canvas.beginPath()
            for bar in dark:
                left, top = x + (4 + bar.column) * unit, y + (4 + bar.row) * unit
                pen.rect(_r(left), _r(HEIGHT - top - unit), _r(bar.length * unit), _r(unit))
            canvas.drawPath(pen, stroke=0, fill=1)

        self._steps.append(step)


def dressed(*, programme: str, number: str) -> Sheet:
    """A sheet with frame and head."""
    sheet = Sheet()
    sheet.frame(inset=22, colour=GREEN, thick=1.1)
    sheet.frame(inset=26.5, colour=GOLD, thick=0.5)
    for x in (26.5, WIDTH - 26.5):
        for y in (26.5, HEIGHT - 26.5):
            sheet.box(x=x - 5.5, y=y - 5.5, wide=11, high=11, colour=WHITE, round_=5.5)
            sheet.rosette(x=x, y=y, radius=6.2, colour=GREEN, petals=8, turns=3)
            sheet.rosette(x=x, y=y, radius=3.4, colour=GOLD, petals=6, turns=2)
    sheet.rosette(x=64.5, y=57, radius=9.6, colour=GREEN, petals=14, turns=4, thick=0.35)
    number_wide = sheet.text(f"No. {number}", x=RIGHT, y=60.5, size=9.5, face="SemiBold", align="right")
    letters = fonts.shorten(programme.upper(), "SemiBold", 10.4, ROOM - number_wide - 48)
    sheet.text(letters, x=81, y=60.2, size=8.4, face="SemiBold", colour=GREEN, spacing=1.6)
    sheet.waves(82)
    return sheet


def footed(sheets: Sequence[Sheet], note: str) -> None:
    """Foot lines with page numbers, once all sheets are there."""
    for number, sheet in enumerate(sheets, 1):
        sheet.rule(785)
        sheet.text(note, x=LEFT, y=797, size=7.4, colour=GREY)
        sheet.text(f"Page {number} of {len(sheets)}", x=RIGHT, y=797, size=7.4, colour=GREY, align="right")
