"""Pages of tables that are too large to be counted."""

from __future__ import annotations

from math import ceil
from typing import Any

from django.core.paginator import EmptyPage, Page, PageNotAnInteger, Paginator
from django.utils.functional import cached_property

__all__ = ["CountlessPage", "CountlessPaginator"]

# A visitor may ask for page 10**30; databases take offsets of 64 bits and fail beyond.
_LARGEST_OFFSET = 2**62


class _AtLeast(int):
    """A count that stopped: shows as ">1000", compares as 1001."""

    def __new__(cls, limit: int) -> _AtLeast:
        return super().__new__(cls, limit + 1)

    def __str__(self) -> str:
        return f">{int(self) - 1}"

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


class CountlessPage(Page):
    """A page that knows from its own rows whether another one follows."""

    def __init__(
        self, object_list: Any, number: int, paginator: CountlessPaginator, *, followed: bool
    ) -> None:
        super().__init__(object_list, number, paginator)
        self._followed = followed

    def __repr__(self) -> str:
        return f"<Page {self.number}>"

    def has_next(self) -> bool:
        return self._followed

    def next_page_number(self) -> int:
        if not self._followed:
            raise EmptyPage(self.paginator.error_messages["no_results"])
        return self.number + 1

    def start_index(self) -> int:
        if not len(self):
            return 0
        return self.paginator.per_page * (self.number - 1) + 1

    def end_index(self) -> int:
        return self.paginator.per_page * (self.number - 1) + len(self)


class CountlessPaginator(Paginator):
    """A paginator that takes one query per page: the page's rows and one more.

    A page never counts. ``count`` and ``num_pages``, which Django's admin asks for, count at most
    ``count_limit`` rows and are exact up to there. Beyond, ``count`` shows as ">1000", and the
    pages that are known end with the one after the page that is shown: one walks on with *next*.

    For the admin::

        paginator = CountlessPaginator
        show_full_result_count = False
    """

    #: How many rows ``count`` may look at. Keep it above ``ModelAdmin.list_max_show_all``, or the
    #: admin offers to show all rows of a large table on one page.
    count_limit = 1000

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._furthest_page = 1

    @cached_property
    def count(self) -> int:
        """The number of rows, or a number that shows as ">1000" where there are more."""
        limit = max(self.count_limit, self.per_page)
        rows: Any = self.object_list
        if hasattr(rows, "query"):
            # A limited subquery: the database stops at the limit, and need not sort for it.
            if not rows.query.is_sliced:
                rows = rows.order_by()
            found = rows[: limit + 1].count()
        else:
            found = len(rows)
            if not isinstance(rows, (list, tuple)):
                found = min(found, limit + 1)
            else:
                return found
        return _AtLeast(limit) if found > limit else found

    @property
    def num_pages(self) -> int:
        """The number of pages that are known to exist."""
        if self.count == 0 and not self.allow_empty_first_page:
            return 0
        hits = max(1, int(self.count) - self.orphans)
        return max(ceil(hits / self.per_page), self._furthest_page)

    def validate_number(self, number: Any) -> int:
        """Return ``number`` as an int from 1 up; only fetching a page tells whether it exists."""
        try:
            if isinstance(number, float) and not number.is_integer():
                raise ValueError
            number = int(number)
        except (TypeError, ValueError):
            raise PageNotAnInteger(self.error_messages["invalid_page"]) from None
        if number < 1:
            raise EmptyPage(self.error_messages["min_page"])
        return number

    def page(self, number: Any) -> CountlessPage:
        """Return the page. Raises ``EmptyPage`` where it has no rows, the first one excepted."""
        number = self.validate_number(number)
        bottom = (number - 1) * self.per_page
        if bottom > _LARGEST_OFFSET:
            raise EmptyPage(self.error_messages["no_results"])
        rows = self.object_list[bottom : bottom + self.per_page + self.orphans + 1]
        found = len(rows)
        if not found and (number > 1 or not self.allow_empty_first_page):
            raise EmptyPage(self.error_messages["no_results"])
        if number > 1 and found <= self.orphans:
            # These rows were shown at the end of the page before.
            raise EmptyPage(self.error_messages["no_results"])
        followed = found > self.per_page + self.orphans
        if followed:
            # The one row too many is dropped from the rows that were fetched; it stays a queryset,
            # which the admin's editable lists ask for.
            if hasattr(rows, "_result_cache"):
                del rows._result_cache[self.per_page :]
            else:
                rows = rows[: self.per_page]
        self._furthest_page = max(self._furthest_page, number + 1 if followed else number)
        return CountlessPage(rows, number, self, followed=followed)

    def get_page(self, number: Any) -> CountlessPage:
        """Return the page; the first for what is no number, the last known one beyond the end."""
        try:
            return self.page(number)
        except PageNotAnInteger:
            return self.page(1)
        except EmptyPage:
            return self.page(max(self.num_pages, 1))

    def __iter__(self) -> Any:
        number = 1
        while True:
            page = self.page(number)
            yield page
            if not page.has_next():
                return
            number += 1
