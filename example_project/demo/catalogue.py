"""The demo shop's catalogue: who sells what, for how much, in which versions. Data only."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoSeller:
    """A person who sells; `key` is how a product names them."""

    key: str
    first_name: str
    last_name: str
    email: str

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True, slots=True)
class DemoCategory:
    """A shelf of the shop, in the order in which shelves are shown."""

    slug: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class DemoRelease:
    """One version of a product and the day on which it came out; None is a draft."""

    version: str
    published_on: dt.date | None
    notes: str


@dataclass(frozen=True, slots=True)
class DemoProduct:
    """A product of the demo. `price` is in the minor unit of `currency` (cents); 0 is free."""

    slug: str
    title: str
    seller: str
    summary: str
    description: str
    price: int
    categories: tuple[str, ...]
    releases: tuple[DemoRelease, ...]
    currency: str = "EUR"
    featured: bool = False
    status: str = "published"

    @property
    def latest_version(self) -> str:
        """The version of the last release in the list, which is in order of publication."""
        return self.releases[-1].version


SELLERS: tuple[DemoSeller, ...] = (
    DemoSeller("ines", "Ines", "Marlow", "ines@example.com"),
    DemoSeller("tomas", "Tomas", "Lindqvist", "tomas@example.com"),
)

CATEGORIES: tuple[DemoCategory, ...] = (
    DemoCategory("books", "Books", "To read from the first page to the last, on any device."),
    DemoCategory("courses", "Courses", "To work through at your own pace. No videos, no quizzes."),
    DemoCategory("design", "Design", "Icons, textures and other things to make things with."),
    DemoCategory("sound", "Sound", "Recorded or computed, always dry and ready to use."),
    DemoCategory("code", "Code", "Source that you can read in an evening and keep for years."),
    DemoCategory("templates", "Templates", "Paper that happens to be a file."),
)


def _paragraphs(*paragraphs: str) -> str:
    return "\n\n".join(paragraphs)


CATALOGUE: list[DemoProduct] = [
    DemoProduct(
        slug="the-patient-typographer",
        title="The Patient Typographer",
        seller="ines",
        summary="A small book about setting text that people finish reading.",
        description=_paragraphs(
            "Most advice on typography is about choosing typefaces. This book begins after that, "
            "with the four decisions that matter more: how long a line is, how far apart lines "
            "stand, how large the text is, and how much of the page you are willing to leave "
            "alone.",
            "There are six short chapters, each with one idea and one exercise that takes no "
            "longer than a cup of tea. None of them needs special software. A page that you have "
            "already made, and are slightly ashamed of, is the best material.",
            "It will not make you a type designer, and it does not rank fonts. If you set "
            "reports, web pages, letters or slides that other people have to read, it will make "
            "them a little quieter and a good deal clearer.",
            "You get the book as an EPUB for readers and phones, and as a PDF for paper.",
        ),
        price=1400,
        categories=("books", "design"),
        featured=True,
        releases=(
            DemoRelease("1.0", dt.date(2025, 2, 3), "First edition."),
            DemoRelease(
                "1.1",
                dt.date(2025, 6, 19),
                "A sixth chapter, on leaving things out. Two corrections by attentive readers.",
            ),
        ),
    ),
    DemoProduct(
        slug="hedgerow-icons",
        title="Hedgerow Icons",
        seller="ines",
        summary="Thirty-two line icons drawn on one grid, as plain SVG.",
        description=_paragraphs(
            "Hedgerow is a set of thirty-two icons for the things that small applications are "
            "really made of: a basket, a receipt, a key, a page that was not found. All of them "
            "stand on a grid of 24 units with one line width, so they sit beside each other "
            "without an argument.",
            "Each icon is one small SVG file that takes its colour from the text around it. There "
            "is no script, no icon font and no build step; a sheet in HTML shows them all.",
            "The licence lets you use them in as many projects as you like, paid ones too. The "
            "only thing it asks is that you don't resell the set as a set.",
        ),
        price=1800,
        categories=("design",),
        releases=(
            DemoRelease("1.0", dt.date(2025, 1, 12), "Twenty-four icons."),
            DemoRelease("2.0", dt.date(2025, 8, 4), "Eight new ones, and rounder corners."),
        ),
    ),
    DemoProduct(
        slug="forms-that-forgive",
        title="Forms That Forgive",
        seller="tomas",
        summary="A course in five lessons on forms that help instead of judging.",
        description=_paragraphs(
            "A form is the one moment at which software asks for something. Most forms use it to "
            "tell people that they are wrong. This course is about the other kind: forms that "
            "accept a phone number with spaces, that keep what was typed, and that say what to do "
            "next rather than what was violated.",
            "You read it; there are no videos. Each of the five lessons takes about twenty "
            "minutes and ends with something to try on a form of your own. The examples are plain "
            "HTML, so it does not matter which framework you use, or whether you use one.",
            "It is meant for people who already build web pages. If you have never written a "
            "label element this will be too fast; if you have strong feelings about placeholder "
            "text you will enjoy lesson two.",
            "The course is a folder of pages that opens in any browser, on a train as well.",
        ),
        price=2900,
        categories=("courses", "code"),
        featured=True,
        releases=(
            DemoRelease("1.0", dt.date(2025, 4, 27), "All five lessons."),
            DemoRelease("1.1", dt.date(2025, 9, 14), "Lesson four has an exercise now, too."),
        ),
    ),
    DemoProduct(
        slug="kitchen-percussion",
        title="Kitchen Percussion",
        seller="tomas",
        summary="Six struck sounds – pots, glass, wood – computed, not sampled.",
        description=_paragraphs(
            "A saucepan lid, a wine glass, a wooden spoon on a chopping board: six short sounds "
            "that make an interface click or a beat walk. They were not recorded. Each is a "
            "handful of decaying partials, added up by a small program that took longer to tune "
            "than any recording would have.",
            "That is also their virtue. They start exactly at zero, there is no room on them and "
            "no hum below them, so they take any reverb that you like and loop without a click.",
            "WAV, 44.1 kHz, 16 bit, mono. The pack is royalty-free.",
        ),
        price=900,
        categories=("sound",),
        releases=(DemoRelease("1.0", dt.date(2025, 3, 8), "Six sounds."),),
    ),
    DemoProduct(
        slug="tidewheel",
        title="Tidewheel",
        seller="tomas",
        summary="Polite retries for Python: one file, typed, tested, no dependencies.",
        description=_paragraphs(
            "Networks fail in waves. Tidewheel is a small Python library that waits for the next "
            "one: exponential back-off with full jitter, a limit on attempts, a limit on total "
            "time, and nothing else.",
            "It is one module of under a hundred lines that you can read before you trust it. "
            "Time and chance are arguments, so that your tests neither sleep nor guess. It is "
            "typed, comes with its own tests and needs only Python 3.11 or later.",
            "You buy the source. Vendor it, change it, ship it in whatever you sell. There is no "
            "licence key, and it never calls home; it only ever calls back.",
        ),
        price=2400,
        categories=("code",),
        releases=(
            DemoRelease("1.0.0", dt.date(2025, 5, 2), "First release."),
            DemoRelease("1.1.0", dt.date(2025, 10, 1), "The tests are in the archive now."),
        ),
    ),
    DemoProduct(
        slug="twelve-papers",
        title="Twelve Papers",
        seller="ines",
        summary="Twelve paper textures, from laid to blotting, as seamless images.",
        description=_paragraphs(
            "Screens are very clean. Sometimes that is the problem. Here are twelve quiet papers "
            "to put under things: laid, wove, kraft, blotting paper, the inside of an envelope, "
            "and seven more.",
            "Each is an image of 1024 by 1024 pixels whose edges meet, so it tiles over any area. "
            "They are pale on purpose: text stays readable on every one of them.",
            "They were grown from numbers rather than scanned, which is why there is no dust in "
            "them except where there should be.",
        ),
        price=1100,
        categories=("design",),
        releases=(DemoRelease("1.0", dt.date(2025, 7, 22), "Twelve papers."),),
    ),
    DemoProduct(
        slug="the-one-page-ledger",
        title="The One-Page Ledger",
        seller="ines",
        summary="Accounts for one person and one year, in a spreadsheet you can understand.",
        description=_paragraphs(
            "If you earn a little money from several small things, you do not need accounting "
            "software. You need one page on which each line has a date, a reason and an amount, "
            "and another that adds up the months.",
            "That is the whole of it: a workbook with two sheets and formulas that you can read, "
            "the same as CSV for people who distrust workbooks, and one page of instructions.",
            "It does not know the tax law of your country, and says so. It will make the hour "
            "with somebody who does a short one.",
        ),
        price=600,
        categories=("templates",),
        releases=(
            DemoRelease("2025", dt.date(2024, 12, 28), "For the year 2025."),
            DemoRelease("2025.1", dt.date(2025, 1, 9), "The same as CSV, too."),
        ),
    ),
    DemoProduct(
        slug="a-short-walk-through-utf-8",
        title="A Short Walk Through UTF-8",
        seller="tomas",
        summary="Five pages on how text becomes bytes, and back without losing an umlaut.",
        description=_paragraphs(
            "Everybody has seen “MÃ¼ller”. This booklet shows exactly how he got that name, one "
            "bit at a time, and how to give him back his own.",
            "It is free because you should not have to pay to spell people properly. Take it, "
            "print it, leave it on somebody's desk.",
            "You get a PDF and a plain text file – in UTF-8, naturally.",
        ),
        price=0,
        categories=("books", "code"),
        releases=(DemoRelease("1.0", dt.date(2025, 1, 30), "First printing."),),
    ),
    DemoProduct(
        slug="harbour-at-five",
        title="Harbour at Five",
        seller="tomas",
        summary="Slow synthetic waves and a foghorn. Not quite finished.",
        description=_paragraphs(
            "Two beds of noise shaped like water and one low horn, for the minutes before "
            "anything happens.",
            "A draft: it is here so that the seller's panel has something to publish.",
        ),
        price=700,
        categories=("sound",),
        status="draft",
        releases=(DemoRelease("0.9", None, "For the ears of friends."),),
    ),
    DemoProduct(
        slug="almanac-of-small-deadlines",
        title="Almanac of Small Deadlines",
        seller="ines",
        summary="The dates of 2024 on which small businesses forget something.",
        description=_paragraphs(
            "A calendar file with fifty-two gentle reminders. The year is over, so the almanac is "
            "no longer sold; those who own it still do.",
        ),
        price=500,
        categories=("templates",),
        status="archived",
        releases=(DemoRelease("2024", dt.date(2024, 1, 2), "For the year 2024."),),
    ),
]
