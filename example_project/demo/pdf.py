"""A PDF writer for plain books: one column, Times, chapters with bookmarks, page numbers.

It writes PDF 1.4 with the fonts that every reader has, so nothing is embedded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

#: A5 in points, the page of a paperback.
PAGE_WIDTH, PAGE_HEIGHT = 420, 595
MARGIN_X, MARGIN_TOP, MARGIN_BOTTOM = 58, 72, 64
BODY_SIZE, LEADING, INDENT = 11.0, 16.0, 14.0

_WIDTHS: dict[str, int] = {
    **dict.fromkeys("0123456789–$#_*", 500),
    **dict.fromkeys("bdghknopquvxyü", 500),
    **dict.fromkeys("aceézé", 444),
    **dict.fromkeys("ijlt:;", 278),
    **dict.fromkeys(" .,", 250),
    **dict.fromkeys("rfIs’‘()!-[]", 333),
    **dict.fromkeys("ADGHKNOQUVXYÃw", 722),
    **dict.fromkeys("ELTZ", 611),
    **dict.fromkeys("FPS", 556),
    **dict.fromkeys("BCR", 667),
    **dict.fromkeys("“”?", 444),
    "m": 778, "s": 389, "J": 389, "M": 889, "W": 944, "—": 1000, "…": 1000, "¼": 750, "'": 180,
    '"': 408, "%": 833, "&": 778, "+": 564, "=": 564, "/": 278, "@": 921,
}  # fmt: skip


class ChapterLike(Protocol):
    """What a chapter must have: a title and paragraphs."""

    @property
    def title(self) -> str: ...

    @property
    def paragraphs(self) -> Sequence[str]: ...


def text_width(text: str, size: float) -> float:
    """Return the width of a text in points, set in Times."""
    return sum(_WIDTHS.get(letter, 500) for letter in text) * size / 1000


def wrap(text: str, size: float, width: float, indent: float = 0.0) -> list[str]:
    """Return the lines of a paragraph that fit into a width in points, the first one indented."""
    lines: list[str] = []
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines else word
        room = width - (indent if len(lines) == 1 else 0)
        if lines and text_width(joined, size) <= room:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines


def _string(text: str) -> bytes:
    data = text.encode("cp1252", "replace")
    for special in (b"\\", b"(", b")"):
        data = data.replace(special, b"\\" + special)
    return b"(" + data + b")"


def _show(font: str, size: float, x: float, y: float, text: str) -> bytes:
    return b"BT /%s %.2f Tf %.2f %.2f Td %s Tj ET\n" % (font.encode(), size, x, y, _string(text))


def _pages(
    title: str, author: str, edition: str, chapters: Iterable[ChapterLike]
) -> tuple[list[bytes], list[tuple[str, int]]]:
    """Return each page's drawing and, for each chapter, the page on which it begins."""
    width = PAGE_WIDTH - 2 * MARGIN_X
    cover, y = b"", PAGE_HEIGHT * 0.62
    for line in wrap(title, 28, width):
        cover += _show("F2", 28, MARGIN_X, y, line)
        y -= 34
    cover += _show("F3", 13, MARGIN_X, y - 6, author)
    cover += _show("F1", 10, MARGIN_X, MARGIN_BOTTOM, f"Quire · {edition}")
    pages, starts = [cover], []
    for chapter in chapters:
        starts.append((chapter.title, len(pages)))
        drawing, y = b"", PAGE_HEIGHT - MARGIN_TOP - 40.0
        for line in wrap(chapter.title, 20, width):
            drawing += _show("F2", 20, MARGIN_X, y, line)
            y -= 26
        y -= 18
        for number, paragraph in enumerate(chapter.paragraphs):
            indent = INDENT if number else 0.0
            for at, line in enumerate(wrap(paragraph, BODY_SIZE, width, indent)):
                if y < MARGIN_BOTTOM + LEADING:
                    pages.append(drawing)
                    drawing, y = b"", PAGE_HEIGHT - float(MARGIN_TOP)
                x = MARGIN_X + (0.0 if at else indent)
                drawing += _show("F1", BODY_SIZE, x, y, line)
                y -= LEADING
        pages.append(drawing)
    for number in range(1, len(pages)):
        folio = str(number)
        pages[number] += _show(
            "F1", 9, (PAGE_WIDTH - text_width(folio, 9)) / 2, MARGIN_BOTTOM - 26, folio
        )
    return pages, starts


def build_pdf(title: str, author: str, edition: str, chapters: Iterable[ChapterLike]) -> bytes:
    """Return a book as PDF: a title page, then each chapter on a page of its own."""
    pages, starts = _pages(title, author, edition, chapters)
    objects: list[bytes] = []

    def add(body: bytes) -> int:
        objects.append(body)
        return len(objects)

    catalog, tree, outlines = add(b""), add(b""), add(b"")
    fonts = [
        add(b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>" % name)
        for name in (b"Times-Roman", b"Times-Bold", b"Times-Italic")
    ]
    resources = add(b"<< /Font << /F1 %d 0 R /F2 %d 0 R /F3 %d 0 R >> >>" % tuple(fonts))
    leaves = []
    for drawing in pages:
        stream = add(b"<< /Length %d >>\nstream\n%sendstream" % (len(drawing), drawing))
        leaves.append(
            add(
                b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 %d %d] /Resources %d 0 R "
                b"/Contents %d 0 R >>" % (tree, PAGE_WIDTH, PAGE_HEIGHT, resources, stream)
            )
        )
    first_mark = len(objects) + 1
    last_mark = len(objects) + len(starts)
    for number, (heading, page) in enumerate(starts):
        own = first_mark + number
        before = b" /Prev %d 0 R" % (own - 1) if number else b""
        after = b" /Next %d 0 R" % (own + 1) if own < last_mark else b""
        add(
            b"<< /Title %s /Parent %d 0 R /Dest [%d 0 R /Fit]%s%s >>"
            % (_string(heading), outlines, leaves[page], before, after)
        )
    about = add(
        b"<< /Title %s /Author %s /Producer (Quire) /CreationDate (D:20250101120000Z) >>"
        % (_string(title), _string(author))
    )
    objects[catalog - 1] = (
        b"<< /Type /Catalog /Pages %d 0 R /Outlines %d 0 R /Lang (en) "
        b"/ViewerPreferences << /DisplayDocTitle true >> >>" % (tree, outlines)
    )
    kids = b" ".join(b"%d 0 R" % leaf for leaf in leaves)
    objects[tree - 1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(leaves))
    objects[outlines - 1] = b"<< /Type /Outlines /First %d 0 R /Last %d 0 R /Count %d >>" % (
        first_mark,
        last_mark,
        len(starts),
    )

    written = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(written)
    written += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for offset in offsets:
        written += b"%010d 00000 n \n" % offset
    written += b"trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        catalog,
        about,
        table,
    )
    return bytes(written)
