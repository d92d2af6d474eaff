"""What the demo shop sells opens as what it says it is, and is the same on every run."""

from __future__ import annotations

import ast
import csv
import functools
import io
import re
import subprocess
import sys
import wave
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from example_project.demo.catalogue import CATALOGUE, CATEGORIES, SELLERS, DemoProduct
from example_project.demo.content import build_files
from example_project.demo.covers import draw_cover

BY_SLUG = {product.slug: product for product in CATALOGUE}
EVERY_RELEASE = [
    pytest.param(product, release.version, id=f"{product.slug}-{release.version}")
    for product in CATALOGUE
    for release in product.releases
]


@functools.cache
def built(slug: str, version: str) -> tuple[tuple[str, bytes], ...]:
    return tuple(build_files(BY_SLUG[slug], version))


def files_of(slug: str) -> dict[str, bytes]:
    return dict(built(slug, BY_SLUG[slug].latest_version))


def only_archive_of(slug: str) -> zipfile.ZipFile:
    ((_, content),) = files_of(slug).items()
    return zipfile.ZipFile(io.BytesIO(content))


def test_each_product_has_its_own_slug_and_names_a_known_seller_and_known_categories() -> None:
    assert len(BY_SLUG) == len(CATALOGUE)
    assert {product.seller for product in CATALOGUE} == {seller.key for seller in SELLERS}
    shelves = {category.slug for category in CATEGORIES}
    assert {slug for product in CATALOGUE for slug in product.categories} == shelves


def test_the_shop_has_something_free_something_featured_and_every_status() -> None:
    on_sale = [product for product in CATALOGUE if product.status == "published"]
    assert [product.slug for product in on_sale if product.price == 0] == [
        "a-short-walk-through-utf-8"
    ]
    assert any(product.featured for product in on_sale)
    assert {product.status for product in CATALOGUE} == {"draft", "published", "archived"}
    assert {product.currency for product in CATALOGUE} == {"EUR"}


def test_only_a_draft_product_has_only_draft_releases() -> None:
    for product in CATALOGUE:
        days = [release.published_on for release in product.releases]
        assert (None in days) == (product.status == "draft")
        assert [day for day in days if day] == sorted(day for day in days if day)


@pytest.mark.parametrize(("product", "version"), EVERY_RELEASE)
def test_a_release_has_files_with_plain_names_and_the_same_bytes_every_time(
    product: DemoProduct, version: str
) -> None:
    files = built(product.slug, version)
    assert files
    assert len({name for name, _ in files}) == len(files)
    for name, content in files:
        assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*\.[a-z]+", name)
        assert content
    assert tuple(build_files(product, version)) == files


@pytest.mark.parametrize(("product", "version"), EVERY_RELEASE)
def test_an_archive_is_whole_and_holds_no_path_that_leaves_it(
    product: DemoProduct, version: str
) -> None:
    for name, content in built(product.slug, version):
        if name.endswith((".zip", ".epub", ".xlsx")):
            archive = zipfile.ZipFile(io.BytesIO(content))
            assert archive.testzip() is None
            for member in archive.namelist():
                assert not member.startswith("/")
                assert ".." not in member
            for entry in archive.infolist():
                assert entry.date_time == (2025, 1, 1, 12, 0, 0)


def test_the_epub_begins_with_its_mimetype_and_every_part_is_well_formed_and_listed() -> None:
    content = files_of("the-patient-typographer")["the-patient-typographer.epub"]
    archive = zipfile.ZipFile(io.BytesIO(content))
    first = archive.infolist()[0]
    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert archive.read("mimetype") == b"application/epub+zip"
    for name in archive.namelist():
        if name.endswith((".xml", ".opf", ".xhtml")):
            ET.fromstring(archive.read(name))
    package = ET.fromstring(archive.read("book/book.opf"))
    space = "{http://www.idpf.org/2007/opf}"
    listed = {item.attrib["id"]: item.attrib["href"] for item in package.iter(f"{space}item")}
    inside = {name.removeprefix("book/") for name in archive.namelist() if "book/" in name}
    assert set(listed.values()) == inside - {"book.opf"}
    assert {item.attrib["idref"] for item in package.iter(f"{space}itemref")} <= set(listed)
    assert Image.open(io.BytesIO(archive.read("book/cover.png"))).size == (800, 1000)


@pytest.mark.parametrize(
    ("slug", "pages"), [("the-patient-typographer", 7), ("a-short-walk-through-utf-8", 5)]
)
def test_the_table_of_a_pdf_points_at_each_of_its_objects(slug: str, pages: int) -> None:
    content = files_of(slug)[f"{slug}.pdf"]
    assert content.startswith(b"%PDF-1.4\n")
    assert content.endswith(b"%%EOF\n")
    found = re.search(rb"startxref\n(\d+)\n", content)
    assert found
    table = content[int(found[1]) :]
    offsets = [int(entry) for entry in re.findall(rb"(\d{10}) 00000 n ", table)]
    for number, offset in enumerate(offsets, 1):
        assert content[offset:].startswith(b"%d 0 obj\n" % number)
    assert b"/Size %d " % (len(offsets) + 1) in table
    for length, stream in re.findall(rb"/Length (\d+) >>\nstream\n(.*?)endstream", content, re.S):
        assert int(length) == len(stream)
    assert content.count(b"/Type /Page /") >= pages
    assert b"MediaBox [0 0 420 595]" in content


def test_no_line_of_a_pdf_is_wider_than_its_column() -> None:
    from example_project.demo import pdf, texts

    for chapter in (*texts.TYPOGRAPHER, *texts.UTF8):
        for paragraph in chapter.paragraphs:
            for at, line in enumerate(pdf.wrap(paragraph, 11, 304, 14)):
                assert pdf.text_width(line, 11) <= 304 - (0 if at else 14)


def test_every_sound_is_mono_16_bit_begins_at_zero_and_does_not_clip() -> None:
    sounds = {
        name: only_archive_of("kitchen-percussion").read(name)
        for name in only_archive_of("kitchen-percussion").namelist()
        if name.endswith(".wav")
    }
    sounds |= files_of("harbour-at-five")
    assert len(sounds) == 7
    for content in sounds.values():
        with wave.open(io.BytesIO(content)) as sound:
            assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (
                1,
                2,
                44_100,
            )
            samples = memoryview(sound.readframes(sound.getnframes())).cast("h")
        assert abs(samples[0]) < 400
        assert 3_000 < max(abs(sample) for sample in samples) < 32_000


def test_every_icon_is_well_formed_and_takes_its_colour_from_the_text() -> None:
    archive = only_archive_of("hedgerow-icons")
    icons = [name for name in archive.namelist() if name.endswith(".svg")]
    assert len(icons) == 32
    for name in icons:
        drawing = ET.fromstring(archive.read(name))
        assert drawing.attrib["viewBox"] == "0 0 24 24"
        assert drawing.attrib["stroke"] == "currentColor"
        assert len(drawing)


def test_the_opposite_edges_of_a_paper_meet() -> None:
    archive = only_archive_of("twelve-papers")
    sheets = [name for name in archive.namelist() if name.endswith(".jpg")]
    assert len(sheets) == 12
    for name in sheets:
        with Image.open(io.BytesIO(archive.read(name))) as sheet:
            assert sheet.size == (1024, 1024)
            grey = sheet.convert("L")
        across = [
            sum(abs(grey.getpixel((left, y)) - grey.getpixel((right, y))) for y in range(1024))
            for left, right in ((0, 1023), (511, 512))
        ]
        assert across[0] < across[1] * 3 + 1024


def test_the_source_package_passes_its_own_tests(tmp_path: Path) -> None:
    archive = only_archive_of("tidewheel")
    for name in archive.namelist():
        if name.endswith(".py"):
            ast.parse(archive.read(name))
    archive.extractall(tmp_path)
    run = subprocess.run(
        [sys.executable, "-m", "unittest"],
        cwd=tmp_path / "tidewheel-1.1.0",
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "Ran 4 tests" in run.stderr


def test_the_workbook_has_two_sheets_of_well_formed_rows_and_the_csv_has_the_entries() -> None:
    files = files_of("the-one-page-ledger")
    book = zipfile.ZipFile(io.BytesIO(files["the-one-page-ledger.xlsx"]))
    for name in book.namelist():
        ET.fromstring(book.read(name))
    names = re.findall(r'<sheet name="(\w+)"', book.read("xl/workbook.xml").decode())
    assert names == ["Ledger", "Months"]
    plain = zipfile.ZipFile(io.BytesIO(files["the-one-page-ledger-csv.zip"]))
    rows = list(csv.reader(io.StringIO(plain.read("ledger.csv").decode(), newline="")))
    assert rows[0] == ["date", "what_for", "amount"]
    assert len(rows) == 6


def test_every_link_of_the_course_leads_to_a_page_of_it() -> None:
    archive = only_archive_of("forms-that-forgive")
    pages = [name for name in archive.namelist() if name.endswith(".html")]
    assert len(pages) == 6
    for name in pages:
        targets = re.findall(r'href="([^"]+)"', archive.read(name).decode())
        assert set(targets) <= set(archive.namelist())


def test_the_almanac_has_fifty_two_whole_events() -> None:
    lines = files_of("almanac-of-small-deadlines")["almanac-of-small-deadlines.ics"].decode()
    assert lines.count("BEGIN:VEVENT\r\n") == lines.count("END:VEVENT\r\n") == 52
    assert max(len(line) for line in lines.split("\r\n")) <= 75


def test_covers_differ_from_product_to_product_but_not_from_run_to_run() -> None:
    covers = {product.slug: draw_cover(product.slug, product.title) for product in CATALOGUE}
    assert len(set(covers.values())) == len(CATALOGUE)
    for product in CATALOGUE[:2]:
        assert draw_cover(product.slug, product.title) == covers[product.slug]
    assert Image.open(io.BytesIO(covers["tidewheel"])).size == (800, 1000)


def test_any_other_slug_and_a_title_of_one_very_long_word_get_a_cover_too() -> None:
    cover = draw_cover("something-new", "Donaudampfschifffahrtsgesellschaftskapitän")
    assert Image.open(io.BytesIO(cover)).format == "PNG"
