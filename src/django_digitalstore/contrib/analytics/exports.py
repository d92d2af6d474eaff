"""CSV that a spreadsheet may open: streamed, exact, and without a cell that becomes a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header

__all__ = ["Cell", "csv_response", "written"]

#: What a cell may hold. Texts are made harmless; numbers and days are written as they are.
Cell: TypeAlias = str | int | Decimal | date | None

#: Line ends and tabs begin a cell in some programs, whatever quotes stand around them.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
#: Where a spreadsheet would take a text for a formula: before what OWASP lists, and its full-width
#: forms. Some skip spaces, and those that split at a semicolon, as Excel does in German, read
#: quotes of ours as part of the text.
_FORMULA = re.compile(r"""(?:^|[;|])(?=[\s"]*[=+\-@\uff1d\uff0b\uff0d\uff20])""")
#: Without it, spreadsheets read UTF-8 as something else.
_BYTE_ORDER_MARK = "\ufeff"
_BLOCK = 16 * 1024


def written(cell: Cell) -> str:
    """Return what stands in the file for ``cell``.

    A Decimal with all its decimals and never an exponent, a day as ISO 8601, nothing for None. A
    text is one line, and gets an apostrophe wherever a spreadsheet would take it, or what follows
    a semicolon in it, for a formula. Numbers don't, not even negative ones: what comes as a number
    is one.
    """
    if cell is None:
        return ""
    if isinstance(cell, str):
        return _FORMULA.sub(r"\g<0>'", _CONTROL.sub(" ", cell))
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell)


def csv_response(
    request: HttpRequest, filename: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]
) -> StreamingHttpResponse:
    """Return the rows as a file to download, written while it is sent, under WSGI and ASGI.

    ``rows`` is read while the response is on its way, so it may not need a transaction; an error
    there cuts the file short. The file is UTF-8 with a byte order mark, and its lines end in CRLF.
    """
    blocks = _blocks(header, rows)
    response = StreamingHttpResponse(
        _AsyncBlocks(blocks) if isinstance(request, ASGIRequest) else blocks,
        content_type="text/csv; charset=utf-8",
    )
    disposition = content_disposition_header(as_attachment=True, filename=filename)
    assert disposition is not None  # an attachment has one
    response["Content-Disposition"] = disposition
    response["X-Content-Type-Options"] = "nosniff"
    return response


class _Lines:
    """Takes what the writer writes, until somebody takes it away."""

    def __init__(self) -> None:
        self.lines: list[str] = [_BYTE_ORDER_MARK]
        self.size = 0

    def write(self, line: str) -> None:
        self.lines.append(line)
        self.size += len(line)

    def take(self) -> str:
        text = "".join(self.lines)
        self.lines.clear()
        self.size = 0
        return text


def _blocks(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    lines = _Lines()
    writer = csv.writer(lines)
    writer.writerow(header)
    for row in rows:
        writer.writerow([written(cell) for cell in row])
        if lines.size >= _BLOCK:
            yield lines.take()
    yield lines.take()


class _AsyncBlocks:
    """For ASGI: the rows may be queries, so each block is made in the thread of the request."""

    def __init__(self, blocks: Iterator[str]) -> None:
        self._blocks = blocks

    async def __aiter__(self) -> AsyncIterator[str]:
        while (block := await sync_to_async(self._next)()) is not None:
            yield block

    def _next(self) -> str | None:
        return next(self._blocks, None)
