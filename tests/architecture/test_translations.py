"""The German translation is complete, is compiled, and is what the pages show."""

from __future__ import annotations

import io
import re
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.test import modify_settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation.template import templatize

import django_digitalstore

SOURCE = Path(django_digitalstore.__file__).parent
#: As in "catalog" and "contrib/analytics".
FEATURES = sorted(path.parent.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("apps.py"))
CATALOGS = sorted(SOURCE.rglob("locale/*/LC_MESSAGES/django.po"))

HEADER = {
    "Project-Id-Version": "django-digitalstore",
    "Report-Msgid-Bugs-To": "",
    "Language": "de",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=2; plural=(n != 1);",
}

#: Function → which of its arguments are a context, a singular, a plural; as xgettext is told.
ONE, MANY = None, (1, 2)
IN_CONTEXT, MANY_IN_CONTEXT = ((1, "c"), 2), ((1, "c"), 2, 3)
KEYWORDS = {
    "_": ONE,
    "gettext": ONE,
    "gettext_lazy": ONE,
    "gettext_noop": ONE,
    "ngettext": MANY,
    "ngettext_lazy": MANY,
    "pgettext": IN_CONTEXT,
    "pgettext_lazy": IN_CONTEXT,
    "npgettext": MANY_IN_CONTEXT,
    "npgettext_lazy": MANY_IN_CONTEXT,
}

Key = tuple[str | None, tuple[str, ...]]


def is_template(path: Path) -> bool:
    return path.suffix in {".html", ".txt", ".html-tpl"}


def marked_in(folder: Path) -> set[Key]:
    """Return the messages that code and templates below ``folder`` mark, as (context, msgids)."""
    found: set[Key] = set()
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".py":
            method, text = "python", path.read_text("utf-8")
        elif is_template(path):
            # What Django makes of a template for xgettext is no Python, but close to JavaScript.
            method, text = "javascript", templatize(path.read_text("utf-8"))
        else:
            continue
        for _, messages, _, context in extract(method, io.BytesIO(text.encode()), KEYWORDS):
            found.add((context, (messages,) if isinstance(messages, str) else tuple(messages)))
    return found


def catalog(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale="de", abort_invalid=True)


def messages_of(found: Catalog) -> list[Message]:
    return [message for message in found if message.id]


def texts(value: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def context_of(message: Message) -> str | None:
    """Return the context as text: Babel reads that of a ``.mo`` as bytes."""
    context: str | bytes | None = message.context
    return context.decode() if isinstance(context, bytes) else context


def keys(found: Catalog) -> set[Key]:
    return {(message.context, texts(message.id)) for message in messages_of(found)}


def placeholders(text: str) -> Counter[str]:
    return Counter(re.findall(r"%\(\w+\)[sd]|%[sd]", text))


def name(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix().partition("/locale/")[0]


every_catalog = pytest.mark.parametrize("path", CATALOGS, ids=name)


def test_every_feature_is_translated():
    assert sorted(map(name, CATALOGS)) == FEATURES


def test_nothing_is_marked_where_no_feature_translates_it():
    """A provider's folder, for one, is no app: Django would find no catalog in it."""
    in_features = set().union(*(marked_in(SOURCE / feature) for feature in FEATURES))
    assert sorted(map(repr, marked_in(SOURCE) - in_features)) == []


@every_catalog
def test_a_catalog_has_exactly_what_its_feature_marks(path: Path):
    marked, translated = marked_in(SOURCE / name(path)), keys(catalog(path))
    assert sorted(map(repr, marked - translated)) == [], "Write `makemessages`: CONTRIBUTING.md"
    assert sorted(map(repr, translated - marked)) == [], "Write `makemessages`: CONTRIBUTING.md"


def test_what_is_marked_in_any_of_the_ways_is_found(tmp_path: Path):
    (tmp_path / "views.py").write_text(
        'gettext_lazy("of two " "parts")\nngettext("%(n)d egg", "%(n)d eggs", n)\n'
        'pgettext("verb", "open")\n'
    )
    (tmp_path / "page.html").write_text(
        "{% load i18n %}<p title=\"{% translate 'It’s a “title”' %}\">{{ it|f:_('filtered') }}</p>"
        '{% translate "open" context "adjective" %}'
        "{% blocktranslate count n=3 %}a day{% plural %}{{ n }} days{% endblocktranslate %}"
        "{% blocktranslate trimmed with name=it %}\n  Don't “quote”\n {{ name }}\n"
        "{% endblocktranslate %}"
    )
    assert marked_in(tmp_path) == {
        (None, ("of two parts",)),
        (None, ("%(n)d egg", "%(n)d eggs")),
        ("verb", ("open",)),
        (None, ("It’s a “title”",)),
        (None, ("filtered",)),
        ("adjective", ("open",)),
        (None, ("a day", "%(n)s days")),
        (None, ("Don't “quote” %(name)s",)),
    }


@every_catalog
def test_a_catalog_lacks_no_translation_and_guesses_none(path: Path):
    found = messages_of(catalog(path))
    assert found
    assert [m.id for m in found if not all(texts(m.string))] == []
    assert [m.id for m in found if m.fuzzy] == []
    assert list(catalog(path).obsolete) == []


@every_catalog
def test_a_translation_has_the_placeholders_of_its_original(path: Path):
    wrong = []
    for message in messages_of(catalog(path)):
        originals, translated = texts(message.id), texts(message.string)
        assert len(originals) == len(translated)
        wrong += [
            (original, text)
            for original, text in zip(originals, translated, strict=True)
            if placeholders(original) != placeholders(text)
        ]
    assert wrong == []


@every_catalog
def test_a_compiled_catalog_is_what_its_source_says(path: Path):
    with path.with_suffix(".mo").open("rb") as file:
        compiled = read_mo(file)
    assert {(context_of(m), texts(m.id)): texts(m.string) for m in messages_of(compiled)} == {
        (m.context, texts(m.id)): texts(m.string) for m in messages_of(catalog(path))
    }, "Write `compilemessages`: CONTRIBUTING.md"


@every_catalog
def test_a_catalog_says_nothing_of_the_machine_and_the_day_it_was_made_on(path: Path):
    text = path.read_text("utf-8")
    header = text.partition('msgid ""\nmsgstr ""\n')[2].partition("\n\n")[0]
    assert header == "\n".join(f'"{key}: {value}\\n"' for key, value in HEADER.items())
    places = re.findall(r"^#: (.+)$", text, re.MULTILINE)
    assert places
    for place in " ".join(places).split():
        assert (SOURCE / name(path) / place).is_file(), place


def test_no_word_is_translated_in_two_ways():
    """Django joins the catalogs of all apps: which one won would rest on INSTALLED_APPS."""
    said: dict[Key, set[tuple[str, ...]]] = {}
    for path in CATALOGS:
        for message in messages_of(catalog(path)):
            said.setdefault((message.context, texts(message.id)), set()).add(texts(message.string))
    assert {key: ways for key, ways in said.items() if len(ways) > 1} == {}


def test_a_word_that_the_admin_says_too_means_the_same_there():
    """Whichever app stands first in INSTALLED_APPS has its way. Else, give the word a context."""
    path = Path(admin.__file__).parent / "locale/de/LC_MESSAGES/django.mo"
    with path.open("rb") as file:
        theirs = {(context_of(m), texts(m.id)): texts(m.string) for m in messages_of(read_mo(file))}
    ours = {
        (m.context, texts(m.id)): texts(m.string)
        for path in CATALOGS
        for m in messages_of(catalog(path))
    }
    otherwise = {key for key, said in ours.items() if theirs.get(key, said) != said}
    # "Sichern" and "Suchen", which do as well as ours.
    assert otherwise == {(None, ("Save",)), (None, ("Search",))}


@pytest.mark.needs("catalog")
@pytest.mark.django_db
@pytest.mark.skipif(
    settings.ROOT_URLCONF.split(".")[-2] in {"consumer", "traps"},
    reason="This host has a list, or an address for each language, of its own.",
)
@modify_settings(MIDDLEWARE={"append": "django.middleware.locale.LocaleMiddleware"})
def test_the_product_list_speaks_the_language_of_its_reader(client, make_product):
    make_product("Ein Buch")
    make_product("Ein Heft", price=0)
    url = reverse("shop:product_list")
    page = client.get(url, headers={"accept-language": "de"}).content.decode()
    assert "<h1>Produkte</h1>" in page
    assert "2 Produkte" in page
    assert "Kostenlos" in page
    assert "19,99" in page
    for english in ("Products", "Search", "Featured only", ">Show<", "Free", "Skip to content"):
        assert english not in page
    page = client.get(url, headers={"accept-language": "en"}).content.decode()
    assert "<h1>Products</h1>" in page


def test_the_names_of_the_features_are_translated():
    with translation.override("de"):
        names = {
            str(config.verbose_name)
            for config in apps.get_app_configs()
            if config.name in {f"django_digitalstore.{each.replace('/', '.')}" for each in FEATURES}
        }
    assert "Digital Store: Katalog" in names
    assert not [each for each in names if not each.startswith("Digital Store: ")]
