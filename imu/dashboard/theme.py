"""Colours, type and scale of the screens: the tokens of the visual design, dark and light, and the shipped typeface."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Final

from PySide6.QtGui import QColor, QFont, QFontDatabase

DESIGN_WIDTH: Final = 1280.0
DESIGN_HEIGHT: Final = 800.0
"""All sizes in this package are pixels of a screen of this size; a larger or smaller one scales everything."""


@dataclass(frozen=True, slots=True)
class Palette:
    """One theme. Text has a contrast of at least 4.5 on every grey, graphics that carry meaning at least 3."""

    name: str
    bg: str
    surface: str
    raised: str
    sel: str
    rule: str
    outline: str
    ink: str
    ink2: str
    ink3: str
    left: str
    right: str
    ok: str
    warn: str
    stop: str
    stop_fill: str
    cue: str
    cue_ink: str
    cue_line: str
    primary: str
    primary_ink: str
    focus: str
    band: str
    band_edge: str
    ref: str
    ref_edge: str
    left_rib: str
    right_rib: str
    bone: str
    bone2: str
    ghost: str
    ghost_fill: str
    unknown: str
    unknown_line: str
    cue_tint: str
    stop_tint: str

    def __getitem__(self, token: str) -> QColor:
        return QColor(getattr(self, token))


DARK: Final = Palette(
    name="dark",
    bg="#0E1318",
    surface="#161D24",
    raised="#212B34",
    sel="#2C3843",
    rule="#2B3741",
    outline="#748594",
    ink="#F2F5F7",
    ink2="#BAC5CE",
    ink3="#98A6B2",
    left="#4A9FDD",
    right="#F2B2D4",
    ok="#35BE93",
    warn="#F0AC1E",
    stop="#FF8352",
    stop_fill="#D55E00",
    cue="#E69F00",
    cue_ink="#10161C",
    cue_line="#E69F00",
    primary="#F2F5F7",
    primary_ink="#10161C",
    focus="#F0E442",
    band="#12332C",
    band_edge="#2F8F72",
    ref="#38444F",
    ref_edge="#8796A3",
    left_rib="#22485F",
    right_rib="#553A4B",
    bone="#D3DCE3",
    bone2="#A9B6C1",
    ghost="#4E8F7C",
    ghost_fill="#16302B",
    unknown="#2B343C",
    unknown_line="#7F8D99",
    cue_tint="#3A2C0B",
    stop_tint="#3B1E10",
)

LIGHT: Final = Palette(
    name="light",
    bg="#F2F4F6",
    surface="#FFFFFF",
    raised="#E8ECF0",
    sel="#DCE3E9",
    rule="#D2D9DF",
    outline="#71808C",
    ink="#10181F",
    ink2="#3E4C58",
    ink3="#54626E",
    left="#006CAA",
    right="#7B1E5B",
    ok="#00704F",
    warn="#855000",
    stop="#AD4000",
    stop_fill="#D55E00",
    cue="#E69F00",
    cue_ink="#10161C",
    cue_line="#855000",
    primary="#10181F",
    primary_ink="#FFFFFF",
    focus="#10181F",
    band="#DFF1EA",
    band_edge="#2F8F72",
    ref="#D9DFE4",
    ref_edge="#71808C",
    left_rib="#B9D9EC",
    right_rib="#EBCBDF",
    bone="#51606C",
    bone2="#6F7E8A",
    ghost="#2F8F72",
    ghost_fill="#D9EEE6",
    unknown="#E1E5E9",
    unknown_line="#71808C",
    cue_tint="#FFF1D2",
    stop_tint="#FBE3D5",
)

PALETTES: Final = {"dark": DARK, "light": LIGHT}


@dataclass(frozen=True, slots=True)
class Look:
    """How to draw now: the palette, and the text scale (1.0 to 2.0; the count is not scaled)."""

    palette: Palette = DARK
    text: float = 1.0

    @property
    def large(self) -> bool:
        """From 125 % on, words in the header become icons and the side view goes."""
        return self.text >= 1.25


def contrast(a: str, b: str) -> float:
    """WCAG 2.2 contrast ratio of two `#rrggbb` colours, 1 to 21."""

    def luminance(colour: str) -> float:
        total = 0.0
        for k, weight in enumerate((0.2126, 0.7152, 0.0722)):
            c = int(colour[1 + 2 * k : 3 + 2 * k], 16) / 255
            total += weight * (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4)
        return total

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@cache
def family() -> str:
    """Inter from the package if it can be loaded, else the system's sans. Needs a running application."""
    loaded = ""
    for entry in files("imu.dashboard").joinpath("fonts").iterdir():
        if not entry.name.endswith(".otf"):
            continue
        with as_file(entry) as path:
            number = QFontDatabase.addApplicationFont(str(path))
        names = QFontDatabase.applicationFontFamilies(number) if number >= 0 else []
        if entry.name == "Inter-Regular.otf" and names:
            loaded = names[0]
    return loaded or QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont).family()


WEIGHTS: Final = {
    400: QFont.Weight.Normal,
    500: QFont.Weight.Medium,
    600: QFont.Weight.DemiBold,
    700: QFont.Weight.Bold,
    800: QFont.Weight.ExtraBold,
}


@cache
def font(px: int, weight: int = 400, spacing: float = 0.0, tabular: bool = True) -> QFont:
    """A size of the type scale in design pixels. Digits are of one width, so that values do not jump."""
    f = QFont(family())
    f.setPixelSize(px)
    f.setWeight(WEIGHTS[weight])
    # the painter is scaled as a whole: hinted advances would change with the size of the window
    f.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    if tabular:
        f.setFeature(QFont.Tag("tnum"), 1)
    if spacing:
        f.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, spacing)
    return f
