"""Covers of the demo products, drawn by code: no image files, no fonts to install.

A cover depends on slug, title and author only, so drawing it twice gives the same picture.
"""

from __future__ import annotations

import hashlib
import io
import math
import random
from collections.abc import Callable
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 800, 1000
#: Everything is drawn larger and scaled down, which is what makes the edges smooth.
SCALE = 2

Draw = ImageDraw.ImageDraw
Box = tuple[float, float, float, float]


class Palette(NamedTuple):
    """The three inks of a cover and its ground, as hex colours."""

    ground: str
    ink: str
    first: str
    second: str


PALETTES: dict[str, Palette] = {
    "ochre": Palette("#e9b44c", "#1d1a16", "#b23a20", "#f7ead0"),
    "moss": Palette("#2f4b3a", "#f1efe2", "#b9c96a", "#7fa37c"),
    "brick": Palette("#c4472d", "#fff4e6", "#22201f", "#f0a98a"),
    "sea": Palette("#123b5d", "#f3f5ef", "#6fb7c9", "#f2c14e"),
    "paper": Palette("#efece2", "#23304a", "#c9402f", "#9db4c8"),
    "rose": Palette("#e8c3bd", "#3a1f2b", "#8c2f4b", "#f6efe6"),
    "night": Palette("#1b1c2b", "#f4eee0", "#f06543", "#5d62a8"),
    "lime": Palette("#d7e26b", "#16231c", "#1f6f54", "#f6f8df"),
    "fog": Palette("#b9c7cc", "#152029", "#3d5a6c", "#f1b24a"),
    "plum": Palette("#4a2a4f", "#f6ecdf", "#e28f5d", "#a86b9d"),
}


def draw_cover(slug: str, title: str, author: str = "", publisher: str = "Quire") -> bytes:
    """Return a PNG of 800 × 1000 pixels.

    A slug of the demo catalogue has its own motif; any other gets one that follows from it.
    """
    seed = int.from_bytes(hashlib.sha256(slug.encode()).digest()[:8], "big")
    motif, palette_name = _DESIGNS.get(slug) or (
        _FREE_MOTIFS[seed % len(_FREE_MOTIFS)],
        sorted(PALETTES)[seed // 7 % len(PALETTES)],
    )
    palette = PALETTES[palette_name]
    image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), palette.ground)
    motif(image, palette, random.Random(seed), title)
    _letter(image, palette, title, author, publisher)
    image = image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    _spine(image)
    written = io.BytesIO()
    image.save(written, "PNG", optimize=True)
    return written.getvalue()


# ---------------------------------------------------------------------------- lettering


def _font(size: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size=size * SCALE)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("draw_cover needs Pillow with FreeType support.")
    return font


def _wrap(words: list[str], font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    lines: list[str] = []
    for word in words:
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines


def _letter(image: Image.Image, palette: Palette, title: str, author: str, publisher: str) -> None:
    draw = ImageDraw.Draw(image)
    margin, width = 64 * SCALE, (WIDTH - 128) * SCALE
    # Two lines if they can be large enough, else three, else whatever it takes.
    for size, most in (*((size, 2) for size in range(104, 67, -6)), (76, 3), (60, 4), (44, 9)):
        font = _font(size)
        lines = _wrap(title.split(), font, width)
        if len(lines) <= most and all(font.getlength(line) <= width for line in lines):
            break
    top = 58.0 * SCALE
    for line in lines:
        draw.text(
            (margin - size * 0.06 * SCALE, top),
            line,
            font=font,
            fill=palette.ink,
            stroke_width=max(1, round(size * 0.016 * SCALE)),
            stroke_fill=palette.ink,
        )
        top += size * 1.04 * SCALE
    small = _font(27)
    baseline = (HEIGHT - 62) * SCALE
    draw.text((margin, baseline), author, font=small, fill=palette.ink, anchor="ls")
    draw.text(
        (WIDTH * SCALE - margin, baseline), publisher, font=small, fill=palette.ink, anchor="rs"
    )


def _spine(image: Image.Image) -> None:
    """Darken the fold at the left edge, which makes a flat picture a book."""
    shade = Image.new("L", (26, 1))
    shade.putdata([*range(38, 8, -3), 2, 20, 44, 30, *range(20, -4, -2)][:26])
    mask = shade.resize((26, HEIGHT))
    image.paste("#000000", (0, 0), mask)


# ------------------------------------------------------------------------------- motifs


def _at(*numbers: float) -> tuple[float, ...]:
    return tuple(number * SCALE for number in numbers)


def _box(*numbers: float) -> Box:
    left, top, right, bottom = (number * SCALE for number in numbers)
    return (left, top, right, bottom)


def _letterform(image: Image.Image, palette: Palette, rng: random.Random, title: str) -> None:
    """One enormous letter, cropped, on the lines that it stands on."""
    draw = ImageDraw.Draw(image)
    font = _font(820)
    place, stroke = (470 * SCALE, 842 * SCALE), 24 * SCALE
    edges = draw.textbbox(place, "a", font=font, anchor="ms", stroke_width=stroke)
    draw.text(
        place,
        "a",
        font=font,
        fill=palette.first,
        anchor="ms",
        stroke_width=stroke,
        stroke_fill=palette.first,
    )
    for y in (edges[1], edges[3]):
        draw.line((0, y, WIDTH * SCALE, y), fill=palette.ink, width=2 * SCALE)
    bottom = edges[3] / SCALE
    draw.ellipse(_box(84, bottom - 112, 196, bottom), fill=palette.second)


def _leaves(image: Image.Image, palette: Palette, rng: random.Random, title: str) -> None:
    """A hedge of quarter-round tiles."""
    draw = ImageDraw.Draw(image)
    side = 112
    for row in range(5):
        for column in range(6):
            x, y = 64 + column * side, 330 + row * side
            colour = rng.choice((palette.first, palette.second, palette.second, palette.ink))
            turn = rng.randrange(4)
            if turn % 2:
                corners = ((x, y), (x + side, y + side))
            else:
                corners = ((x + side, y), (x, y + side))
            leaf = Image.new("L", (side * SCALE, side * SCALE), 0)
            other = leaf.copy()
            for mask, (cx, cy) in ((leaf, corners[0]), (other, corners[1])):
                left, top = cx - x - side, cy - y - side
                ImageDraw.Draw(mask).ellipse(
                    _box(left, top, left + 2 * side, top + 2 * side), fill=255
                )
            both = Image.composite(leaf, Image.new("L", leaf.size, 0), other)
            image.paste(colour, (x * SCALE, y * SCALE), both)
            if rng.random() < 0.16:
                draw.ellipse(
                    _box(x + side * 0.36, y + side * 0.36, x + side * 0.64, y + side * 0.64),
                    fill=palette.ground,
                )


def _rings(image: Image.Image, palette: Palette, rng: random.Random, title: str) -> None:
    """Struck discs whose rings run into each other."""
    draw = ImageDraw.Draw(image)
    for cx, cy, radius, colours in (
        (560, 690, 360, (palette.first, palette.ground)),
        (210, 610, 190, (palette.ink, palette.ground)),
        (330, 850, 110, (palette.second, palette.first)),
    ):
        steps = 9 if radius > 300 else 6
        for step in range(steps):
            r = radius * (1 - step / steps)
            draw.ellipse(_box(cx - r, cy - r, cx + r, cy + r), fill=colours[step % 2])
    draw.rectangle(_box(0, 895, WIDTH, HEIGHT), fill=palette.ground)


def _waves(image: Image.Image, palette: Palette, rng: random.Random, title: str) -> None:
    """Swell above swell, each one calmer than the one before."""
    draw = ImageDraw.Draw(image)
    draw.ellipse(_box(470, 330, 690, 550), fill=palette.second)
    rows = 13
    for row in range(rows):
        base = 480 + row * 36
        height = 62 * (1 - row / rows) ** 1.3 + 3
        points = []
        for step in range(0, WIDTH + 9, 8):
            swing = math.sin(step / 108 + row * 0.82) + 0.35 * math.sin(step / 47 - row * 1.7)
            points.append(_at(step, base - height * swing))
        flat = [number for point in points for number in point]
        draw.polygon([*flat, *_at(WIDTH, HEIGHT, 0, HEIGHT)], fill=palette.ground)
        colour = palette.ink if row % 4 == 1 else palette.first
        draw.line(flat, fill=colour, width=(7 if row % 4 == 1 else 4) * SCALE, joint="curve")
    draw.rectangle(_box(0, 900, WIDTH, HEIGHT), fill=palette.ground)


def _ledger(image: Image.Image, palette: Palette, rng: random.Random, title: str) -> None:
    """Ruled columns, a few entries, one total."""
    draw = ImageDraw.Draw(image)
    top, bottom = 350, 900
    for number, y in enumerate(range(top, bottom + 1, 50)):
        if number in (2, 5, 6, 9):
            draw.rectangle(_box(64, y, 470, y + 50), fill=palette.second)
        draw.line(_box(64, y, 736, y), fill=palette.ink, width=2 * SCALE)
    for number in range(10):
        y = top + 50 * number + 25
        draw.line(_box(88, y, 88 + rng.randrange(140, 340), y), fill=palette.ink, width=9 * SCALE)
        length = rng.randrange(28, 118)
        draw.line(_box(606 - length, y, 606, y), fill=palette.ink, width=9 * SCALE)
    for x in (470, 630):
        draw.line(_box(x, top, x, bottom), fill=palette.first, width=4 * SCALE)
    draw.ellipse(_box(550, 640, 780, 870), fill=palette.first)
    draw.line(_box(608, 740, 722, 740), fill=palette.ground, width=11 * SCALE)
    draw.line(_box(608, 771, 722, 771), fill=palette.ground, width=11 * SCALE)


def _sheets(image: Image.Image, palette: Palette, rng: random.Random, title: str) -> None:
    """Sheets laid over each other, letting the lower ones through."""
    colours = (palette.first, palette.second, palette.ink, palette.second, palette.first)
    for number, colour in enumerate(colours):
        sheet = Image.new("L", (300 * SCALE, 390 * SCALE), 190 if number != 2 else 225)
        turned = sheet.rotate(-26 + number * 14, expand=True, resample=Image.Resampling.BICUBIC)
        x, y = 44 + number * 86, 350 + abs(number - 2) * 30
        image.paste(colour, (int(x * SCALE), int(y * SCALE)), turned)
    draw = ImageDraw.Draw(image)
    draw.rectangle(_box(0, 912, WIDTH, HEIGHT), fill=palette.ground)


def _fields(image: Image.Image, palette: Palette, rng: random.Random, title: str) -> None:
    """A column of form fields; one has slipped, and is forgiven."""
    draw = ImageDraw.Draw(image)
    for number in range(5):
        y = 400 + number * 98
        if number == 2:
            slip = Image.new("RGBA", (700 * SCALE, 90 * SCALE), (0, 0, 0, 0))
            pen = ImageDraw.Draw(slip)
            pen.rounded_rectangle(_box(6, 6, 680, 78), radius=14 * SCALE, fill=palette.first)
            pen.line(_box(40, 24, 40, 60), fill=palette.ground, width=7 * SCALE)
            slip = slip.rotate(-7, expand=True, resample=Image.Resampling.BICUBIC)
            image.paste(slip, (84 * SCALE, (y - 42) * SCALE), slip)
            continue
        draw.rounded_rectangle(
            _box(64, y, 736, y + 70), radius=14 * SCALE, outline=palette.ink, width=5 * SCALE
        )
        draw.rounded_rectangle(
            _box(92, y + 26, 92 + rng.randrange(160, 430), y + 44),
            radius=9 * SCALE,
            fill=palette.second,
        )
    draw.line(
        [*_at(664, 826), *_at(686, 848), *_at(716, 806)],
        fill=palette.first,
        width=9 * SCALE,
        joint="curve",
    )


def _bits(image: Image.Image, palette: Palette, rng: random.Random, title: str) -> None:
    """The title itself in UTF-8: a column of eight dots for each byte."""
    draw = ImageDraw.Draw(image)
    octets = (title.encode() * 4)[:24]
    pitch_x, pitch_y, radius = 28.4, 62, 10.5
    for column, octet in enumerate(octets):
        for bit in range(8):
            x, y = 74 + column * pitch_x, 384 + bit * pitch_y
            if octet >> (7 - bit) & 1:
                colour = palette.first if bit in (0, 1, 2) else palette.ink
                draw.ellipse(_box(x - radius, y - radius, x + radius, y + radius), fill=colour)
            else:
                draw.ellipse(_box(x - 3, y - 3, x + 3, y + 3), fill=palette.second)


def _horizon(image: Image.Image, palette: Palette, rng: random.Random, title: str) -> None:
    """A low sun and its broken reflection."""
    draw = ImageDraw.Draw(image)
    draw.pieslice(_box(210, 400, 590, 780), 180, 360, fill=palette.first)
    y, gap = 604.0, 10.0
    while y < 890:
        half = 190 * (1 - (y - 600) / 420) * rng.uniform(0.72, 1.12)
        shift = rng.uniform(-14, 14)
        draw.rectangle(_box(400 - half + shift, y, 400 + half + shift, y + gap), fill=palette.first)
        y += gap * 2.1
        gap *= 1.06
    draw.line(_box(64, 592, 736, 592), fill=palette.ink, width=4 * SCALE)
    for x in (120, 168, 664):
        draw.line(_box(x, 470 + x % 50, x, 592), fill=palette.ink, width=5 * SCALE)


def _moons(image: Image.Image, palette: Palette, rng: random.Random, title: str) -> None:
    """Twelve months as twelve phases."""
    draw = ImageDraw.Draw(image)
    for number in range(12):
        column, row = number % 4, number // 4
        cx, cy, r = 142 + column * 172, 440 + row * 172, 66
        draw.ellipse(_box(cx - r, cy - r, cx + r, cy + r), fill=palette.second)
        start = 90 if number < 6 else 270
        draw.pieslice(_box(cx - r, cy - r, cx + r, cy + r), start, start + 180, fill=palette.first)
        wide = r * abs(math.cos(math.pi * (number + 0.5) / 6))
        inner = palette.first if number % 6 >= 3 else palette.second
        draw.ellipse(_box(cx - wide, cy - r, cx + wide, cy + r), fill=inner)


def _blocks(image: Image.Image, palette: Palette, rng: random.Random, title: str) -> None:
    """Blocks of colour stacked like a shelf seen from far away."""
    draw = ImageDraw.Draw(image)
    x = 64.0
    while x < 700:
        width = rng.choice((24, 38, 52, 74))
        top = rng.randrange(400, 620)
        colour = rng.choice((palette.first, palette.second, palette.ink))
        draw.rectangle(_box(x, top, min(x + width, 736), 890), fill=colour)
        x += width + 8


Motif = Callable[[Image.Image, Palette, random.Random, str], None]

_FREE_MOTIFS: tuple[Motif, ...] = (_leaves, _rings, _waves, _sheets, _horizon, _blocks, _bits)

_DESIGNS: dict[str, tuple[Motif, str]] = {
    "the-patient-typographer": (_letterform, "ochre"),
    "hedgerow-icons": (_leaves, "moss"),
    "kitchen-percussion": (_rings, "brick"),
    "tidewheel": (_waves, "sea"),
    "the-one-page-ledger": (_ledger, "paper"),
    "twelve-papers": (_sheets, "rose"),
    "forms-that-forgive": (_fields, "night"),
    "a-short-walk-through-utf-8": (_bits, "lime"),
    "harbour-at-five": (_horizon, "fog"),
    "almanac-of-small-deadlines": (_moons, "plum"),
}
