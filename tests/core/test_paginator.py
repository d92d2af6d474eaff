"""Pages without counting: one query each, also in the admin's lists."""

from __future__ import annotations

import pytest
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.templatetags.admin_list import pagination
from django.contrib.auth.models import AnonymousUser
from django.core.paginator import EmptyPage, PageNotAnInteger
from django.db import connection
from django.template import Context, Template
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext

from django_digitalstore.core.models import JobRun
from django_digitalstore.core.paginator import CountlessPaginator

pytestmark = pytest.mark.django_db


class CountsToFive(CountlessPaginator):
    count_limit = 5


def make_rows(number: int) -> None:
    JobRun.objects.bulk_create([JobRun(name=f"job {index:04}") for index in range(number)])


def names(page) -> list[str]:
    return [run.name[4:] for run in page]


def pages_of(rows, per_page=2, **kwargs) -> CountlessPaginator:
    return CountsToFive(rows, per_page, **kwargs)


def test_a_page_takes_one_query_that_counts_nothing() -> None:
    make_rows(7)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page = pages_of(JobRun.objects.all()).page(2)
        assert names(page) == ["0002", "0003"]
        assert page.has_next()
        assert page.has_previous()
        assert page.has_other_pages()
        assert page.next_page_number() == 3
        assert page.previous_page_number() == 1
        assert page.start_index() == 3
        assert page.end_index() == 4
        assert repr(page) == "<Page 2>"
    (query,) = queries
    assert "COUNT" not in query["sql"]
    assert "LIMIT 3 OFFSET 2" in query["sql"]


def test_the_last_page_has_no_next() -> None:
    make_rows(4)
    page = pages_of(JobRun.objects.all()).page(2)
    assert names(page) == ["0002", "0003"]
    assert not page.has_next()
    with pytest.raises(EmptyPage):
        page.next_page_number()


@pytest.mark.parametrize("kind", ["queryset", "list"])
def test_every_row_is_on_exactly_one_page(kind: str) -> None:
    make_rows(7)
    rows = JobRun.objects.all() if kind == "queryset" else list(JobRun.objects.all())
    shown = [names(page) for page in pages_of(rows)]
    assert shown == [["0000", "0001"], ["0002", "0003"], ["0004", "0005"], ["0006"]]


def test_orphans_stay_with_the_page_before() -> None:
    make_rows(5)
    paginator = pages_of(JobRun.objects.all(), orphans=1)
    assert [names(page) for page in paginator] == [["0000", "0001"], ["0002", "0003", "0004"]]
    with pytest.raises(EmptyPage):
        paginator.page(3)


def test_no_rows_are_one_empty_page() -> None:
    paginator = pages_of(JobRun.objects.all())
    page = paginator.page(1)
    assert names(page) == []
    assert not page.has_other_pages()
    assert page.start_index() == page.end_index() == 0
    assert paginator.num_pages == 1
    with pytest.raises(EmptyPage):
        pages_of(JobRun.objects.all(), allow_empty_first_page=False).page(1)
    assert pages_of(JobRun.objects.all(), allow_empty_first_page=False).num_pages == 0


@pytest.mark.parametrize("number", [0, -1, 5, 10**30])
def test_a_page_that_is_not_there_is_empty(number: int) -> None:
    make_rows(7)
    with pytest.raises(EmptyPage):
        pages_of(JobRun.objects.all()).page(number)


@pytest.mark.parametrize("number", ["x", None, 1.5, "1.0"])
def test_a_page_has_a_whole_number(number: object) -> None:
    with pytest.raises(PageNotAnInteger):
        pages_of(JobRun.objects.all()).page(number)


@pytest.mark.parametrize(("number", "shown"), [("x", 1), ("2", 2), (99, 3), (0, 3), (10**30, 3)])
def test_get_page_always_gives_a_page(number: object, shown: int) -> None:
    make_rows(5)
    assert pages_of(JobRun.objects.all()).get_page(number).number == shown


def test_a_count_is_exact_up_to_the_limit_and_stops_there() -> None:
    make_rows(5)
    paginator = pages_of(JobRun.objects.all())
    assert (paginator.count, str(paginator.count), paginator.num_pages) == (5, "5", 3)
    make_rows_more = [JobRun(name=f"more {index}") for index in range(20)]
    JobRun.objects.bulk_create(make_rows_more)
    paginator = pages_of(JobRun.objects.all())
    with CaptureQueriesContext(connection) as queries:
        assert paginator.count == 6
    (query,) = queries
    assert "LIMIT 6" in query["sql"]
    assert "ORDER BY" not in query["sql"]
    assert str(paginator.count) == f"{paginator.count}" == ">5"


def test_the_known_pages_grow_as_one_walks_on() -> None:
    make_rows(20)
    paginator = pages_of(JobRun.objects.all())
    assert list(paginator.page_range) == [1, 2, 3]
    paginator.page(7)
    assert list(paginator.page_range) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert paginator.page(10).has_next() is False
    assert list(paginator.page_range)[-1] == 10


def test_a_count_that_stopped_reads_well_in_templates() -> None:
    make_rows(20)
    rows = pages_of(JobRun.objects.all())
    template = Template(
        "{% load i18n %}{{ count }} {% blocktranslate count counter=count %}"
        "{{ counter }} row{% plural %}{{ counter }} rows{% endblocktranslate %}"
    )
    assert template.render(Context({"count": rows.count})) == ">5 >5 rows"

    large = CountlessPaginator(range(5000), 100)
    with override_settings(USE_THOUSAND_SEPARATOR=True):
        assert template.render(Context({"count": large.count})) == "&gt;1,000 &gt;1,000 rows"


# --- in the admin ---------------------------------------------------------------------------------


class JobRunAdmin(ModelAdmin):
    paginator = CountsToFive
    show_full_result_count = False
    list_per_page = 2
    list_max_show_all = 4
    ordering = ["name"]

    def has_view_permission(self, request, obj=None) -> bool:
        return True

    has_change_permission = has_delete_permission = has_add_permission = has_view_permission


def change_list(query: str = "", admin_class: type[ModelAdmin] = JobRunAdmin):
    request = RequestFactory().get(f"/{query}")
    request.user = AnonymousUser()
    return admin_class(JobRun, AdminSite()).get_changelist_instance(request)


def page_links(changes) -> list[object]:
    return list(pagination(changes)["page_range"])


def test_the_admins_list_of_a_large_table_walks_on_by_next() -> None:
    make_rows(20)
    first = change_list()
    assert [run.name[4:] for run in first.result_list] == ["0000", "0001"]
    assert page_links(first) == [1, 2, 3]
    third = change_list("?p=3")
    assert [run.name[4:] for run in third.result_list] == ["0004", "0005"]
    assert page_links(third) == [1, 2, 3, 4]
    last = change_list("?p=10")
    assert [run.name[4:] for run in last.result_list] == ["0018", "0019"]
    assert page_links(last)[-1] == 10
    assert str(last.result_count) == ">5"


def test_the_admin_never_counts_the_whole_table_and_never_offers_to_show_all_of_it() -> None:
    make_rows(20)
    with CaptureQueriesContext(connection) as queries:
        changes = change_list("?p=2")
        list(changes.result_list)
        shown = pagination(changes)
    assert not shown["show_all_url"]
    counting = [query["sql"] for query in queries if "COUNT" in query["sql"]]
    assert len(queries) == 2
    assert all("LIMIT 6" in sql for sql in counting)
    everything = change_list("?all=")
    assert len(everything.result_list) == 2


def test_the_admins_list_of_a_small_table_is_as_ever() -> None:
    make_rows(2)
    changes = change_list()
    assert len(changes.result_list) == 2
    assert page_links(changes) == []
    JobRun.objects.create(name="job 0002")
    changes = change_list()
    assert changes.result_count == 3
    assert page_links(changes) == [1, 2]
    assert pagination(changes)["show_all_url"] == "?all="
    assert len(change_list("?all=").result_list) == 3


def test_the_admin_sends_a_page_beyond_the_end_back() -> None:
    make_rows(20)
    with pytest.raises(IncorrectLookupParameters):
        change_list("?p=99")


def test_the_admins_editable_lists_get_a_queryset() -> None:
    make_rows(20)

    class EditableAdmin(JobRunAdmin):
        list_display = ["name", "last_error"]
        list_editable = ["last_error"]

    changes = change_list("?p=2", EditableAdmin)
    request = RequestFactory().get("/")
    form_set = EditableAdmin(JobRun, AdminSite()).get_changelist_formset(request)
    forms = form_set(queryset=changes.result_list).forms
    assert [form.instance.name[4:] for form in forms] == ["0002", "0003"]
