"""What sellers write, as HTML that is safe to show: Markdown by CommonMark, without HTML.

Two walls: the parser knows neither HTML nor images and takes absolute links only, and what it makes
passes through nh3 (ammonia), which keeps the tags and attributes that are named here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nh3
from django.utils.html import escape, linebreaks
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

__all__ = ["LONGEST_MARKDOWN", "render_markdown"]

#: The longest text that is parsed, in characters. A longer one is shown as it was written.
LONGEST_MARKDOWN = 20_000

DEEPEST_HEADING = 6
SCHEMES = frozenset({"http", "https", "mailto"})
TAGS = {
    *("a", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol"),
    *("p", "pre", "s", "strong", "ul"),
}
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}


class _Renderer(RendererHTML):
    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Show the text of an image alone: a picture elsewhere would tell who reads."""
        return escape(self.renderInlineAsText(tokens[idx].children, options, env))


def _is_absolute(url: str) -> bool:
    scheme, colon, _rest = url.strip().partition(":")
    return bool(colon) and scheme.lower() in SCHEMES


def _parser() -> MarkdownIt:
    parser = MarkdownIt(
        "commonmark", {"html": False, "breaks": True, "maxNesting": 10}, renderer_cls=_Renderer
    )
    parser.enable("strikethrough")
    parser.validateLink = _is_absolute  # type: ignore[method-assign]  # as its manual says
    return parser


_PARSER = _parser()


def render_markdown(text: str, *, heading: int = 4) -> SafeString:
    """Return ``text`` as HTML whose highest headings are ``h<heading>``. No I/O.

    Lines break where they do in the text. Links are absolute (http, https, mailto) and ask search
    engines not to follow; images become their text; HTML is shown as it was written.
    """
    if len(text) > LONGEST_MARKDOWN:
        return mark_safe(linebreaks(text, autoescape=True))
    tokens = _PARSER.parse(text.replace("\x00", ""))
    _level_headings(tokens, heading)
    html = _PARSER.renderer.render(tokens, _PARSER.options, {})
    return mark_safe(
        nh3.clean(
            html,
            tags=TAGS,
            attributes=ATTRIBUTES,
            url_schemes=set(SCHEMES),
            link_rel="nofollow noopener noreferrer",
        )
    )


def _level_headings(tokens: list[Token], top: int) -> None:
    """Bring headings under the page's own, without gaps between their levels."""
    open_levels: list[int] = []
    for token in tokens:
        if token.type == "heading_open":
            level = int(token.tag[1:])
            while open_levels and open_levels[-1] >= level:
                open_levels.pop()
            open_levels.append(level)
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(top + len(open_levels) - 1, DEEPEST_HEADING)}"
