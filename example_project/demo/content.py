"""The files inside of the demo's products, built by code: real, openable, the same every time.

`build_files` is all that loaddemo needs. Nothing here reads the clock or the network; archives
carry one fixed time, so a second run writes the same bytes.
"""

from __future__ import annotations

import csv
import datetime as dt
import html
import io
import math
import random
import uuid
import wave
import zipfile
from array import array
from collections.abc import Callable, Iterable, Mapping

from PIL import Image, ImageChops, ImageFilter

from . import texts
from .catalogue import SELLERS, DemoProduct
from .covers import draw_cover
from .icons import ICONS
from .pdf import build_pdf
from .tidewheel_source import tidewheel_files

#: The time that every member of every archive carries.
ARCHIVE_TIME = (2025, 1, 1, 12, 0, 0)

Files = list[tuple[str, bytes]]


def build_files(product: DemoProduct, version: str | None = None) -> Files:
    """Return the files of one version of a product (of the latest, if None) as name and content."""
    return _BUILDERS[product.slug](product, version or product.latest_version)


def seller_name(product: DemoProduct) -> str:
    """Return the full name of the product's seller."""
    return next(seller.name for seller in SELLERS if seller.key == product.seller)


def build_zip(members: Mapping[str, bytes | str], *, stored_first: str | None = None) -> bytes:
    """Return a ZIP archive with the members in order and one fixed time.

    `stored_first` names a member that goes first and uncompressed, as an EPUB's mimetype must.
    """
    names = sorted(members, key=lambda name: name != stored_first)
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name in names:
            entry = zipfile.ZipInfo(name, ARCHIVE_TIME)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            entry.compress_type = (
                zipfile.ZIP_STORED if name == stored_first else zipfile.ZIP_DEFLATED
            )
            content = members[name]
            archive.writestr(entry, content.encode() if isinstance(content, str) else content)
    return written.getvalue()


# -------------------------------------------------------------------------------- books


def build_epub(
    product: DemoProduct, version: str, author: str, chapters: Iterable[texts.Chapter]
) -> bytes:
    """Return an EPUB 3 with a cover, a table of contents and one file for each chapter."""
    chapters = tuple(chapters)
    title = html.escape(product.title)
    book_id = uuid.uuid5(uuid.NAMESPACE_URL, f"urn:quire:{product.slug}:{version}")
    names = [f"chapter-{number}" for number in range(1, len(chapters) + 1)]

    def page(heading: str, body: str) -> str:
        return (
            '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n'
            '<html xmlns="http://www.w3.org/1999/xhtml" '
            'xmlns:epub="http://www.idpf.org/2007/ops" lang="en" xml:lang="en">\n'
            f"<head><title>{html.escape(heading)}</title>"
            '<link rel="stylesheet" type="text/css" href="book.css"/></head>\n'
            f"<body>{body}</body>\n</html>\n"
        )

    manifest = "".join(
        f'<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"/>'
        for name in names
    )
    spine = "".join(f'<itemref idref="{name}"/>' for name in names)
    contents = "".join(
        f'<li><a href="{name}.xhtml">{html.escape(chapter.title)}</a></li>'
        for name, chapter in zip(names, chapters, strict=True)
    )
    day = dt.datetime(*ARCHIVE_TIME, tzinfo=dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    members: dict[str, bytes | str] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": (
            '<?xml version="1.0" encoding="utf-8"?>\n'
            '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
            '<rootfiles><rootfile full-path="book/book.opf" '
            'media-type="application/oebps-package+xml"/></rootfiles></container>\n'
        ),
        "book/book.opf": (
            '<?xml version="1.0" encoding="utf-8"?>\n'
            '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" '
            'unique-identifier="id" xml:lang="en">'
            '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f'<dc:identifier id="id">urn:uuid:{book_id}</dc:identifier>'
            f"<dc:title>{title}</dc:title><dc:language>en</dc:language>"
            f"<dc:creator>{html.escape(author)}</dc:creator><dc:publisher>Quire</dc:publisher>"
            f'<meta property="dcterms:modified">{day}</meta></metadata>'
            '<manifest><item id="cover" href="cover.png" media-type="image/png" '
            'properties="cover-image"/><item id="nav" href="nav.xhtml" '
            'media-type="application/xhtml+xml" properties="nav"/>'
            '<item id="title" href="title.xhtml" media-type="application/xhtml+xml"/>'
            f'<item id="css" href="book.css" media-type="text/css"/>{manifest}</manifest>'
            f'<spine><itemref idref="title"/><itemref idref="nav"/>{spine}</spine></package>\n'
        ),
        "book/nav.xhtml": page(
            "Contents", f'<nav epub:type="toc"><h1>Contents</h1><ol>{contents}</ol></nav>'
        ),
        "book/title.xhtml": page(
            product.title,
            f'<section class="title"><img src="cover.png" alt="Cover of {title}"/>'
            f"<h1>{title}</h1><p>{html.escape(author)}</p>"
            f"<p>Quire, edition {html.escape(version)}</p></section>",
        ),
        "book/book.css": (
            "body{line-height:1.5;margin:1em}h1{font-weight:normal;margin:2em 0 1em}"
            ".title{text-align:center}.title img{max-width:60%;height:auto}\n"
        ),
        "book/cover.png": draw_cover(product.slug, product.title, author),
    }
    for name, chapter in zip(names, chapters, strict=True):
        body = "".join(f"<p>{html.escape(text)}</p>" for text in chapter.paragraphs)
        members[f"book/{name}.xhtml"] = page(
            chapter.title, f"<h1>{html.escape(chapter.title)}</h1>{body}"
        )
    return build_zip(members, stored_first="mimetype")


def _typographer(product: DemoProduct, version: str) -> Files:
    author = seller_name(product)
    chapters = texts.TYPOGRAPHER if version != "1.0" else texts.TYPOGRAPHER[:-1]
    return [
        ("the-patient-typographer.epub", build_epub(product, version, author, chapters)),
        (
            "the-patient-typographer.pdf",
            build_pdf(product.title, author, f"Edition {version}", chapters),
        ),
    ]


def _utf8(product: DemoProduct, version: str) -> Files:
    author = seller_name(product)
    lines = [product.title, f"by {author}", ""]
    for chapter in texts.UTF8:
        lines += ["", chapter.title, "-" * len(chapter.title), ""]
        for paragraph in chapter.paragraphs:
            lines += [paragraph, ""]
    return [
        (
            "a-short-walk-through-utf-8.pdf",
            build_pdf(product.title, author, f"Printing {version}", texts.UTF8),
        ),
        ("a-short-walk-through-utf-8.txt", "\n".join(lines).encode()),
    ]


# ------------------------------------------------------------------------------- design

_LICENCE = (
    "You may use these files in any number of your own works, sold or given away.\n"
    "You may not sell or give away the set itself. No warranty.\n"
)


def _icons(product: DemoProduct, version: str) -> Files:
    chosen = dict(list(ICONS.items())[: 24 if version == "1.0" else None])
    members: dict[str, bytes | str] = {"LICENCE.txt": _LICENCE}
    figures = []
    for name, shapes in chosen.items():
        drawing = (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="24" height="24" '
            'fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" '
            f'stroke-linejoin="round">{shapes}</svg>\n'
        )
        members[f"svg/{name}.svg"] = drawing
        figures.append(f"<figure>{drawing}<figcaption>{name}</figcaption></figure>")
    members["index.html"] = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Hedgerow Icons '
        f"{html.escape(version)}</title><style>body{{font:16px/1.5 sans-serif;margin:3rem;"
        "display:grid;grid-template-columns:repeat(auto-fill,7rem);gap:2rem}h1{grid-column:1/-1}"
        "figure{margin:0;text-align:center}svg{width:48px;height:48px}</style></head><body>"
        f"<h1>Hedgerow Icons {html.escape(version)}</h1>{''.join(figures)}</body></html>\n"
    )
    return [(f"hedgerow-icons-{version}.zip", build_zip(members))]


#: Name, colour, size of the grain, how much longer the grain is than wide, and its strength.
_PAPERS: tuple[tuple[str, tuple[int, int, int], float, int, float], ...] = (
    ("laid", (244, 239, 226), 1.2, 24, 0.55),
    ("wove", (247, 244, 236), 1.0, 1, 0.45),
    ("kraft", (206, 176, 138), 1.6, 3, 0.9),
    ("blotting", (240, 214, 208), 3.5, 1, 0.8),
    ("envelope", (190, 205, 219), 2.0, 8, 0.8),
    ("newsprint", (224, 220, 210), 1.3, 2, 0.9),
    ("butcher", (233, 196, 178), 2.6, 5, 0.7),
    ("ledger", (226, 236, 222), 1.1, 12, 0.5),
    ("onionskin", (250, 248, 243), 5.0, 1, 0.5),
    ("sugar", (158, 171, 186), 1.8, 2, 1.0),
    ("vellum", (243, 232, 206), 7.0, 2, 0.6),
    ("cartridge", (238, 236, 230), 1.5, 1, 0.7),
)


def paper_texture(
    seed: str, colour: tuple[int, int, int], grain: float, stretch: int, strength: float
) -> Image.Image:
    """Return one sheet of 1024 × 1024 pixels whose opposite edges meet."""
    side, pad = 1024, 64
    noise = Image.frombytes("L", (side, side), random.Random(seed).randbytes(side * side))
    if stretch > 1:
        # Narrow the noise, then pull it wide again: grain becomes fibre, and still wraps around.
        noise = noise.crop((0, 0, side // stretch, side)).resize(
            (side, side), Image.Resampling.BICUBIC
        )
        noise = _seamless(noise)
    around = Image.new("L", (side + 2 * pad, side + 2 * pad))
    for x in (-side, 0, side):
        for y in (-side, 0, side):
            around.paste(noise, (x + pad, y + pad))
    soft = around.filter(ImageFilter.GaussianBlur(grain)).crop((pad, pad, side + pad, side + pad))
    used = [value for value, count in enumerate(soft.histogram()) if count]
    low, high = used[0], used[-1]
    reach = 26 * strength
    levels = [
        round((min(max(value, low), high) - low) / max(1, high - low) * reach)
        for value in range(256)
    ]
    depth = soft.point(levels)
    sheet = Image.new("RGB", (side, side), colour)
    return ImageChops.subtract(sheet, Image.merge("RGB", (depth, depth, depth)))


def _seamless(image: Image.Image) -> Image.Image:
    """Blend an image into itself, moved by a half, so that left meets right."""
    width, height = image.size
    moved = ImageChops.offset(image, width // 2, 0)
    ramp = Image.new("L", (width, 1))
    ramp.putdata([round(255 * abs(2 * x / (width - 1) - 1)) for x in range(width)])
    return Image.composite(moved, image, ramp.resize((width, height)))


def _papers(product: DemoProduct, version: str) -> Files:
    members: dict[str, bytes | str] = {"LICENCE.txt": _LICENCE}
    for number, (name, colour, grain, stretch, strength) in enumerate(_PAPERS, 1):
        written = io.BytesIO()
        paper_texture(name, colour, grain, stretch, strength).save(written, "JPEG", quality=82)
        members[f"{number:02}-{name}.jpg"] = written.getvalue()
    return [(f"twelve-papers-{version}.zip", build_zip(members))]


# -------------------------------------------------------------------------------- sound

RATE = 44_100


def build_wav(samples: Iterable[float]) -> bytes:
    """Return mono 16-bit WAV of samples between −1 and 1, 44 100 of them a second."""
    frames = array("h", (round(max(-1.0, min(1.0, sample)) * 32_000) for sample in samples))
    if frames.itemsize != 2:
        raise RuntimeError("build_wav needs a platform on which a C short has two bytes.")
    written = io.BytesIO()
    with wave.open(written, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(frames.tobytes())
    return written.getvalue()


def struck(
    pitch: float, partials: tuple[float, ...], decay: float, seconds: float, knock: float
) -> Iterable[float]:
    """Yield a struck thing: decaying partials above a pitch in hertz, and the knock that began it.

    Higher partials die sooner, and the first two milliseconds rise from zero, so nothing clicks.
    """
    rng = random.Random(f"{pitch} {seconds}")
    total = int(RATE * seconds)
    weights = [1 / (number + 1) ** 0.8 for number in range(len(partials))]
    scale = 0.85 / (sum(weights) + knock)
    for step in range(total):
        time = step / RATE
        sample = knock * rng.uniform(-1, 1) * math.exp(-time * 240)
        for number, (partial, weight) in enumerate(zip(partials, weights, strict=True)):
            fall = math.exp(-time * decay * (1 + 0.6 * number))
            sample += weight * fall * math.sin(2 * math.pi * pitch * partial * time)
        fade = min(1.0, step / 88, (total - step) / 441)
        yield sample * scale * fade


_STRUCK: tuple[tuple[str, float, tuple[float, ...], float, float, float], ...] = (
    ("saucepan-lid", 311.0, (1.0, 2.32, 4.25, 6.63), 3.2, 1.3, 0.3),
    ("wine-glass", 880.0, (1.0, 2.76, 5.4), 2.4, 1.5, 0.05),
    ("chopping-board", 196.0, (1.0, 2.4, 3.9), 28.0, 0.3, 0.9),
    ("wooden-spoon", 523.0, (1.0, 2.57), 36.0, 0.22, 0.7),
    ("teacup", 1244.0, (1.0, 1.52, 3.46), 9.0, 0.6, 0.2),
    ("baking-tray", 147.0, (1.0, 1.61, 2.7, 4.1, 5.9), 6.0, 0.9, 0.8),
)


def _percussion(product: DemoProduct, version: str) -> Files:
    members: dict[str, bytes | str] = {
        f"{name}.wav": build_wav(struck(pitch, partials, decay, seconds, knock))
        for name, pitch, partials, decay, seconds, knock in _STRUCK
    }
    members["README.txt"] = (
        f"Kitchen Percussion {version}\n\nWAV, 44.1 kHz, 16 bit, mono. Royalty-free.\n"
    )
    return [(f"kitchen-percussion-{version}.zip", build_zip(members))]


def _harbour(product: DemoProduct, version: str) -> Files:
    def swell() -> Iterable[float]:
        rng, last, total = random.Random("harbour"), 0.0, RATE * 4
        for step in range(total):
            time = step / RATE
            last += 0.02 * (rng.uniform(-1, 1) - last)
            swing = 0.55 + 0.45 * math.sin(2 * math.pi * time / 4 - math.pi / 2)
            horn = 0.2 * math.sin(2 * math.pi * 110 * time) if 1.5 < time < 2.5 else 0.0
            horn *= math.sin(math.pi * (time - 1.5)) if horn else 0.0
            yield 3.2 * last * swing + horn

    return [("harbour-at-five-draft.wav", build_wav(swell()))]


# --------------------------------------------------------------------- code and courses


def _tidewheel(product: DemoProduct, version: str) -> Files:
    folder = f"tidewheel-{version}"
    return [
        (
            f"{folder}.zip",
            build_zip(
                {f"{folder}/{name}": text for name, text in tidewheel_files(version).items()}
            ),
        )
    ]


def _course(product: DemoProduct, version: str) -> Files:
    lessons = list(texts.COURSE)
    if version == "1.0":
        title, paragraphs = lessons[3]
        lessons[3] = texts.Chapter(title, paragraphs[:-1])
    names = [f"lesson-{number}.html" for number in range(1, len(lessons) + 1)]

    def page(heading: str, body: str) -> str:
        return (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{html.escape(heading)}</title>\n"
            '<link rel="stylesheet" href="course.css">\n</head>\n'
            f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
        )

    title = html.escape(product.title)
    contents = "".join(
        f'<li><a href="{name}">{html.escape(lesson.title)}</a></li>'
        for name, lesson in zip(names, lessons, strict=True)
    )
    members: dict[str, bytes | str] = {
        "index.html": page(
            product.title,
            f"<h1>{title}</h1><p>{html.escape(seller_name(product))}, "
            f"version {html.escape(version)}</p><ol>{contents}</ol>",
        ),
        "course.css": (
            ":root{color-scheme:light dark}main{max-width:36rem;margin:3rem auto;padding:0 1rem;"
            "font:1.1rem/1.6 Georgia,serif}nav{display:flex;justify-content:space-between}\n"
        ),
    }
    for number, (name, lesson) in enumerate(zip(names, lessons, strict=True)):
        before = names[number - 1] if number else "index.html"
        after = names[number + 1] if number + 1 < len(names) else "index.html"
        body = "".join(f"<p>{html.escape(text)}</p>\n" for text in lesson.paragraphs)
        members[name] = page(
            lesson.title,
            f"<p>Lesson {number + 1}</p><h1>{html.escape(lesson.title)}</h1>\n{body}"
            f'<nav aria-label="Lessons"><a href="{before}">Back</a> <a href="{after}">On</a></nav>',
        )
    return [(f"forms-that-forgive-{version}.zip", build_zip(members))]


# ---------------------------------------------------------------------------- templates

_SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_ENTRIES = (
    ("2025-01-04", "Two icon sets sold", "18.00"),
    ("2025-01-09", "Hosting, one year", "-48.00"),
    ("2025-02-02", "Workshop in Ghent", "320.00"),
    ("2025-02-11", "Train to Ghent", "-61.40"),
    ("2025-03-20", "Book, first month", "196.00"),
)


def _cell(reference: str, *, text: str = "", number: str = "", formula: str = "") -> str:
    if formula:
        return f'<c r="{reference}"><f>{html.escape(formula)}</f></c>'
    if number:
        return f'<c r="{reference}"><v>{number}</v></c>'
    return f'<c r="{reference}" t="inlineStr"><is><t>{html.escape(text)}</t></is></c>'


def _sheet(rows: Iterable[Iterable[str]], widths: Iterable[int]) -> str:
    columns = "".join(
        f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>'
        for n, width in enumerate(widths, 1)
    )
    body = "".join(f'<row r="{n}">{"".join(cells)}</row>' for n, cells in enumerate(rows, 1))
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        f'<worksheet xmlns="{_SPREADSHEET}"><cols>{columns}</cols>'
        f"<sheetData>{body}</sheetData></worksheet>"
    )


def _workbook() -> bytes:
    headings = ("Date", "What for", "Amount", "Balance", "Month")
    ledger = [[_cell(f"{'ABCDE'[n]}1", text=text) for n, text in enumerate(headings)]]
    for row in range(2, 202):
        cells = []
        if row - 2 < len(_ENTRIES):
            day, reason, amount = _ENTRIES[row - 2]
            cells = [
                _cell(f"A{row}", text=day),
                _cell(f"B{row}", text=reason),
                _cell(f"C{row}", number=amount),
            ]
        cells.append(_cell(f"D{row}", formula=f'IF(C{row}="","",SUM(C$2:C{row}))'))
        cells.append(_cell(f"E{row}", formula=f'IF(A{row}="","",VALUE(MID(A{row},6,2)))'))
        ledger.append(cells)
    months = [[_cell("A1", text="Month"), _cell("B1", text="In"), _cell("C1", text="Out")]]
    for row, month in enumerate(_MONTHS, 2):
        months.append(
            [
                _cell(f"A{row}", text=month),
                _cell(f"B{row}", formula=_monthly(row - 1, ">0")),
                _cell(f"C{row}", formula=_monthly(row - 1, "<0")),
            ]
        )
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    return build_zip(
        {
            "[Content_Types].xml": (
                '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
                f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
                'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                '<Default Extension="xml" ContentType="application/xml"/>'
                f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
                f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}'
                '.worksheet+xml"/><Override PartName="/xl/worksheets/sheet2.xml" '
                f'ContentType="{kind}.worksheet+xml"/></Types>'
            ),
            "_rels/.rels": (
                '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
                f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
                f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
            ),
            "xl/workbook.xml": (
                '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
                f'<workbook xmlns="{_SPREADSHEET}" xmlns:r="{_RELATIONS}"><sheets>'
                '<sheet name="Ledger" sheetId="1" r:id="rId1"/>'
                '<sheet name="Months" sheetId="2" r:id="rId2"/></sheets>'
                '<calcPr fullCalcOnLoad="1"/></workbook>'
            ),
            "xl/_rels/workbook.xml.rels": (
                '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
                f'<Relationships xmlns="{_PACKAGE}/relationships">'
                + "".join(
                    f'<Relationship Id="rId{n}" Type="{_RELATIONS}/worksheet" '
                    f'Target="worksheets/sheet{n}.xml"/>'
                    for n in (1, 2)
                )
                + "</Relationships>"
            ),
            "xl/worksheets/sheet1.xml": _sheet(ledger, (12, 40, 12, 12, 8)),
            "xl/worksheets/sheet2.xml": _sheet(months, (14, 12, 12)),
        }
    )


def _monthly(month: int, which: str) -> str:
    return f'SUMIFS(Ledger!C$2:C$201,Ledger!E$2:E$201,{month},Ledger!C$2:C$201,"{which}")'


def _ledger(product: DemoProduct, version: str) -> Files:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\r\n")
    writer.writerow(("date", "what_for", "amount"))
    writer.writerows(_ENTRIES)
    guide = (
        f"The One-Page Ledger {version}\n\n"
        "1. One line for each amount. Money in is positive, money out is negative.\n"
        "2. Write dates as year-month-day; then they sort by themselves.\n"
        "3. Keep the receipt. The line says that it happened, the receipt proves it.\n"
        "4. On the last day of each month look at the sheet “Months”, for one minute.\n"
    )
    files: Files = [("the-one-page-ledger.xlsx", _workbook())]
    if version == "2025":
        return [*files, ("how-to.txt", guide.encode())]
    plain = build_zip({"ledger.csv": table.getvalue(), "how-to.txt": guide})
    return [*files, ("the-one-page-ledger-csv.zip", plain)]


def _almanac(product: DemoProduct, version: str) -> Files:
    duties = (
        "Send the invoice that you have been meaning to send",
        "Test one backup by restoring it",
        "Renew nothing automatically; look first",
        "Write to a customer who wrote to you",
    )
    day = dt.date(int(version), 1, 5)
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Quire//Almanac//EN"]
    for number in range(52):
        date = day + dt.timedelta(weeks=number)
        lines += [
            "BEGIN:VEVENT",
            f"UID:almanac-{version}-{number}@example.com",
            f"DTSTAMP:{version}0101T120000Z",
            f"DTSTART;VALUE=DATE:{date:%Y%m%d}",
            f"SUMMARY:{duties[number % len(duties)].replace(';', chr(92) + ';')}",
            "END:VEVENT",
        ]
    lines += ["END:VCALENDAR", ""]
    return [("almanac-of-small-deadlines.ics", "\r\n".join(lines).encode())]


_BUILDERS: dict[str, Callable[[DemoProduct, str], Files]] = {
    "the-patient-typographer": _typographer,
    "hedgerow-icons": _icons,
    "forms-that-forgive": _course,
    "kitchen-percussion": _percussion,
    "tidewheel": _tidewheel,
    "twelve-papers": _papers,
    "the-one-page-ledger": _ledger,
    "a-short-walk-through-utf-8": _utf8,
    "harbour-at-five": _harbour,
    "almanac-of-small-deadlines": _almanac,
}
