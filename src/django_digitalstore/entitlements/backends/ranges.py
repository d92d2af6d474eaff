"""The part of a file that a request asks for (RFC 9110, section 14), one part at most."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils.http import parse_http_date_safe

__all__ = ["Part", "PartNotThere", "continues", "names_this_file", "read_part"]

#: One range of bytes. Several, other units, and what is no range are ignored, as the RFC allows.
_ONE_RANGE = re.compile(r"bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*", re.IGNORECASE)
#: More digits than any file has bytes; ``int()`` would refuse thousands of them.
_MOST_DIGITS = 30


class PartNotThere(ValueError):
    """The part begins behind the end of the file: the answer is 416."""


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes from ``first`` to ``last``, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """Return how many bytes it has."""
        return self.last - self.first + 1


def read_part(header: str, size: int) -> Part | None:
    """Return what a ``Range`` header asks for of a file of ``size`` bytes; None: all of it.

    Raises ``PartNotThere``. Of an empty file there are no parts: all of it is given whatever is
    asked, since some programs ask for a part every time.
    """
    asked = _numbers(header)
    if asked is None or size == 0:
        return None
    first, last = asked
    if first is None:
        if not last:
            raise PartNotThere
        return Part(max(size - last, 0), size - 1)
    if first >= size:
        raise PartNotThere
    return Part(first, size - 1 if last is None else min(last, size - 1))


def continues(header: str) -> bool:
    """Tell whether a ``Range`` header asks for a later part, which is no download of its own."""
    asked = _numbers(header)
    return asked is not None and asked[0] != 0


def names_this_file(if_range: str, *, etag: str, last_modified: str) -> bool:
    """Tell whether ``If-Range`` names the file that has these validators; "" where it has none.

    Compared strongly: a weak ETag names no bytes, and a date must be the very same.
    """
    if if_range.startswith('"'):
        return if_range == etag
    date = parse_http_date_safe(if_range)
    return date is not None and date == parse_http_date_safe(last_modified)


def _numbers(header: str) -> tuple[int | None, int | None] | None:
    found = _ONE_RANGE.fullmatch(header)
    if found is None or max(map(len, found.groups())) > _MOST_DIGITS:
        return None
    first, last = (int(text) if text else None for text in found.groups())
    if first is None and last is None:
        return None
    if first is not None and last is not None and last < first:
        return None
    return first, last
