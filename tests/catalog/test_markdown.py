"""Markdown of sellers as HTML: formatted, and harmless whatever it says."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest

from django_digitalstore.catalog.markdown import LONGEST_MARKDOWN, render_markdown

REL = 'rel="nofollow noopener noreferrer"'


class Seen(HTMLParser):
    """Collects the tags and attributes that a browser would act on."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _value in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*new* and **bold**", "<p><em>new</em> and <strong>bold</strong></p>\n"),
        ("a line\nand another", "<p>a line<br>\nand another</p>\n"),
        ("- one\n- two", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n"),
        ("3. three", '<ol start="3">\n<li>three</li>\n</ol>\n'),
        ("`a < b`", "<p><code>a &lt; b</code></p>\n"),
        ("~~gone~~", "<p><s>gone</s></p>\n"),
        ("```py\nx < 1\n```", "<pre><code>x &lt; 1\n</code></pre>\n"),
        ("", ""),
        (
            "[more](https://example.com/?a=1&b=2 'the rest')",
            f'<p><a href="https://example.com/?a=1&amp;b=2" title="the rest" {REL}>more</a></p>\n',
        ),
        (
            "<https://example.com/> or <mailto:a@example.com>",
            (
                f'<p><a href="https://example.com/" {REL}>https://example.com/</a> or '
                f'<a href="mailto:a@example.com" {REL}>mailto:a@example.com</a></p>\n'
            ),
        ),
    ],
)
def test_what_is_written_is_formatted(text, html):
    assert render_markdown(text) == html


def test_headings_lie_under_those_of_the_page_and_leave_no_level_out():
    text = "# One\n### Deep\n##### Deeper\n###### Deepest\n## Less\n# Two"
    tags = re.findall(r"<(h\d)>", render_markdown(text))
    assert tags == ["h4", "h5", "h6", "h6", "h5", "h4"]
    assert re.findall(r"<(h\d)>", render_markdown(text, heading=3))[:3] == ["h3", "h4", "h5"]


ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe src='https://evil.example'></iframe>",
    "<a href='javascript:alert(1)' onclick='alert(1)' style='x'>x</a>",
    "<style>*{display:none}</style>",
    "<form action='https://evil.example'><input name=password></form>",
    "<!-- --><script>alert(1)</script>",
    "<?php echo 1 ?>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<details open ontoggle=alert(1)>",
    "<math><mtext><mglyph><style><img src=x onerror=alert(1)>",
    "text\n\n<div onmouseover='alert(1)'>block</div>\n\ntext",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](javascript&#58;alert(1))",
    "[x](java&#x09;script:alert(1))",
    "[x](&#x6A;avascript:alert(1))",
    "[x](%6Aavascript:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](<java\tscript:alert(1)>)",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](file:///etc/passwd)",
    "[x](//evil.example)",
    "[x](/logout/)",
    "[x](?delete=1)",
    "[x](#top)",
    "<javascript:alert(1)>",
    "<data:text/html,x>",
    "[x]: javascript:alert(1)\n\n[x]",
    '[x](https://a.example "t\' onclick=alert(1) x=")',
    "[x](https://a.example/\"onclick='alert(1)')",
    "![x](https://tracker.example/pixel.gif)",
    "![x](data:image/svg+xml;base64,PHN2Zy8+)",
    "![<script>](https://a.example/)",
    "[![x](https://tracker.example/a.gif)](https://a.example)",
    "```<script>\n</code><script>alert(1)</script>\n```",
    "` </code><script>alert(1)</script>`",
    "# <script>alert(1)</script>",
    "> <script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\x00<script\x00>alert(1)</script>",
    "<scr\x00ipt>alert(1)</scr\x00ipt>",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_comes_out_as_words(attack):
    seen = Seen(render_markdown(attack))
    assert seen.tags <= {"p", "a", "br", "code", "pre", "blockquote", "h4"}
    assert seen.attributes <= {"href", "title", "rel"}
    assert all(link.startswith(("https://a.example", "mailto:")) for link in seen.links)


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_that_is_too_long_to_be_parsed_comes_out_as_words(attack):
    seen = Seen(render_markdown(attack + "\n" + "x" * LONGEST_MARKDOWN))
    assert seen.tags <= {"p", "br"}
    assert seen.attributes == set()


def test_the_second_wall_holds_where_the_first_one_falls(monkeypatch):
    from django_digitalstore.catalog import markdown

    careless = markdown.MarkdownIt("commonmark", {"html": True})
    careless.validateLink = lambda url: True
    monkeypatch.setattr(markdown, "_PARSER", careless)
    for attack in ATTACKS:
        html = render_markdown(attack)
        seen = Seen(html)
        assert not {"script", "img", "svg", "iframe", "style", "form", "details"} & seen.tags
        assert seen.attributes <= {"href", "title", "rel"}
        assert not re.search(r"href=\"(javascript|vbscript|data|file)", html, re.IGNORECASE)


def test_an_image_is_its_text_and_asks_no_other_server():
    html = render_markdown("![a *new* <cover>](https://tracker.example/x.gif)")
    assert html == "<p>a new &lt;cover&gt;</p>\n"


@pytest.mark.parametrize(
    "piece",
    [
        "[",
        "![",
        "*a ",
        "*_",
        "**a *b",
        "[a](",
        "[](",
        "<!--",
        "&#x41;",
        "[[]",
        "`a``",
        ">",
        "a\n\n",
    ],
)
def test_the_longest_text_that_is_parsed_takes_no_long_time(piece):
    text = (piece * LONGEST_MARKDOWN)[:LONGEST_MARKDOWN]
    started = time.perf_counter()
    render_markdown(text)
    assert time.perf_counter() - started < 5  # about 0.3 s; quadratic would be minutes


def test_deep_nesting_ends():
    assert render_markdown(">" * 5000 + " x").count("<blockquote>") <= 20
