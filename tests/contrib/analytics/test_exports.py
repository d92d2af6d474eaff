"""Files for spreadsheets: nothing in them becomes a formula, and numbers are exact."""

from __future__ import annotations

import asyncio
import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.test import RequestFactory

from django_digitalstore.contrib.analytics.exports import csv_response, written


@pytest.mark.parametrize(
    "text",
    [
        "=cmd|' /C calc'!A0",
        "+1+2",
        "-2+3",
        "@SUM(A1)",
        "  =1+1",
        "\uff1d1+1",
        "\uff0b1",
        "\uff0d1",
        "\uff20SUM(1)",
        '"=1',
    ],
)
def test_a_text_never_becomes_a_formula(text):
    assert written(text) == f"'{text}"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\tcmd", " cmd"),
        ("\r=1", "' =1"),
        ("\r\n=1", "'  =1"),
        ("a\tb\x00\x85c\u2028d", "a b  c d"),
    ],
)
def test_a_text_is_one_line_without_tabs(text, line):
    assert written(text) == line


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("A book, “quoted” = good", "A book, “quoted” = good"),
        ("", ""),
        (None, ""),
        (-5, "-5"),
        (Decimal("-19.90"), "-19.90"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.00"), "0.00"),
        (date(2026, 3, 29), "2026-03-29"),
    ],
)
def test_everything_else_stands_as_it_is(cell, expected):
    assert written(cell) == expected


def rows_of(response, delimiter=","):
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def test_a_file_reads_back_what_was_written():
    request = RequestFactory().get("/")
    tricky = 'a, "b" = c; d'
    response = csv_response(request, "Отчёт 1.csv", ["name", "net"], [(tricky, Decimal("1.50"))])
    assert rows_of(response) == [["name", "net"], [tricky, "1.50"]]
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"] == (
        "attachment; filename*=utf-8''%D0%9E%D1%82%D1%87%D1%91%D1%82%201.csv"
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "text",
    [
        "Nice;=HYPERLINK(A1)",
        "Nice, really; =HYPERLINK(A1)",
        'Nice;"=HYPERLINK(A1)&"',
        "Nice\t=HYPERLINK(A1)",
        "Nice\r\n=HYPERLINK(A1)",
        "Nice|+1",
        "Nice\n;\n\uff1d1",
    ],
)
def test_wherever_a_program_splits_the_lines_no_cell_is_a_formula(text, delimiter):
    response = csv_response(RequestFactory().get("/"), "a.csv", ["key", "title"], [[1, text]])
    rows = rows_of(response, delimiter)
    assert len(rows) == 2
    cells = [cell.strip('" ') for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\uff1d"))]


def test_a_long_file_goes_out_in_pieces_while_its_rows_are_made():
    made = 0

    def rows():
        nonlocal made
        for made in range(10_000):
            yield ["x" * 20, made]

    pieces = iter(csv_response(RequestFactory().get("/"), "a.csv", ["a", "b"], rows()))
    first = next(pieces)
    assert len(first) < 32 * 1024
    assert made < 1000
    assert len(first + b"".join(pieces)) > 200_000


def test_the_same_file_goes_out_under_asgi():
    request = ASGIRequest(
        {"type": "http", "method": "GET", "path": "/", "headers": []}, io.BytesIO()
    )
    response = csv_response(request, "a.csv", ["a"], [[1], [2]])
    assert response.is_async

    async def read():
        return b"".join([piece async for piece in response])

    assert asyncio.run(read()).decode("utf-8-sig") == "a\r\n1\r\n2\r\n"
