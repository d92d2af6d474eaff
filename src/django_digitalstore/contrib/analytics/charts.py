"""Charts as inline SVG: pure functions of numbers and texts, without style and without script.

Sideways everything is a share of the width, so a chart fits a phone and a desk, and its letters
stay as large as the page's. Colours are the style sheet's (``digitalstore/analytics/charts.css``):
an SVG of ours has classes only, so the strictest Content-Security-Policy lets it through. What a
chart shows stands in a table beside it as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

__all__ = ["Bar", "bar_chart", "share_bar", "sparkline", "ticks"]

#: Pixels: the whole height, what the labels of the axis need below, and the air above.
HEIGHT = 240
_FOOT = 26
_HEAD = 10
#: Pixels for one character of a label of the vertical axis, and the air beside it.
_CHARACTER = 7
_AIR = 10
#: No bar is wider than this share of the chart, however few there are.
_WIDEST = 9.0
#: So many labels of the horizontal axis at most, and on a narrow screen.
_LABELS = 6


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: ``label`` stands below it, ``text`` is what a pointer over it says.

    ``before`` is the value that it is compared with; None where there is none.
    """

    label: str
    value: int
    text: str
    before: int | None = None


def bar_chart(
    bars: Sequence[Bar],
    *,
    key: str,
    title: str,
    description: str,
    axis: Callable[[int], str],
) -> SafeString:
    """Draw bars over time, and as a dashed line what they are compared with.

    ``key`` makes the ids of its title and description unique in the page; ``axis`` writes a value
    beside its line. Values may be negative: such bars hang below the line of zero.
    """
    values = [bar.value for bar in bars] + [bar.before for bar in bars if bar.before is not None]
    lines = ticks(min([0, *values]), max([0, *values]))
    scale = _Scale(lines[0], lines[-1])
    labels = [axis(value) for value in lines]
    return format_html(
        '<div class="ds-chart">'
        '<svg class="ds-chart-axis" width="{width}" height="{height}" aria-hidden="true"'
        ' focusable="false">{axis}</svg>'
        '<svg class="ds-chart-plot" width="100%" height="{height}" role="img"'
        ' aria-labelledby="{key}-title {key}-desc">'
        '<title id="{key}-title">{title}</title><desc id="{key}-desc">{description}</desc>'
        "{grid}{bars}{before}{labels}</svg></div>",
        width=max(map(len, labels)) * _CHARACTER + _AIR,
        height=HEIGHT,
        key=key,
        title=title,
        description=description,
        axis=format_html_join(
            "",
            '<text x="100%" dx="-{}" y="{}" text-anchor="end">{}</text>',
            (
                (_AIR - 2, _round(scale.y(value) + 4), label)
                for value, label in zip(lines, labels, strict=True)
            ),
        ),
        grid=format_html_join(
            "",
            '<line class="{}" x1="0" x2="100%" y1="{}" y2="{}"/>',
            (
                ("ds-chart-zero" if value == 0 else "ds-chart-line", y, y)
                for value in lines
                for y in [_round(scale.y(value))]
            ),
        ),
        bars=_bars(bars, scale),
        before=_before(bars, scale),
        labels=_labels([bar.label for bar in bars]),
    )


def sparkline(values: Sequence[int]) -> SafeString:
    """Draw the run of a number, as small as a word. For the eye only: it is hidden from readers."""
    if len(values) < 2:
        return SafeString("")
    low, high = min([0, *values]), max([0, *values])
    span = (high - low) or 1
    step = 100 / (len(values) - 1)
    points = [
        f"{index * step:.1f},{29 - 27 * (value - low) / span:.1f}"
        for index, value in enumerate(values)
    ]
    return format_html(
        '<svg class="ds-spark" width="100%" height="30" viewBox="0 0 100 30"'
        ' preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<polygon points="0,30 {points} 100,30"/>'
        '<polyline points="{points}" fill="none" vector-effect="non-scaling-stroke"/></svg>',
        points=" ".join(points),
    )


def share_bar(value: int, largest: int) -> SafeString:
    """Draw a bar for a row of a table, as long as its share of the largest. Hidden from readers."""
    share = 0.0 if largest <= 0 else max(0.0, min(1.0, value / largest)) * 100
    return format_html(
        '<svg class="ds-share" width="100%" height="6" aria-hidden="true" focusable="false">'
        '<rect class="ds-share-all" width="100%" height="6" rx="3"/>'
        '<rect class="ds-share-part" width="{}%" height="6" rx="3"/></svg>',
        _round(share),
    )


def ticks(low: int, high: int) -> list[int]:
    """Return round values that hold ``low`` to ``high``, with zero among them: 4 to 6 or so."""
    low, high = min(low, 0), max(high, 0)
    span = (high - low) or 1
    step = 1
    while span / step > 5:
        # 1, 2, 5, 10, 20, 50 …
        step = step * 5 // 2 if str(step).startswith("2") else step * 2
    first = low // step
    last = -(-high // step)
    return [step * count for count in range(first, max(last, first + 1) + 1)]


class _Scale:
    """Where on the vertical axis a value stands, in pixels from above."""

    def __init__(self, low: int, high: int) -> None:
        self.low = low
        self.high = high

    def y(self, value: int) -> float:
        share = (self.high - value) / (self.high - self.low)
        return _HEAD + share * (HEIGHT - _HEAD - _FOOT)


def _bars(bars: Sequence[Bar], scale: _Scale) -> SafeString:
    slot = 100 / max(len(bars), 1)
    width = min(slot * (0.72 if len(bars) <= 100 else 1), _WIDEST)
    zero = scale.y(0)
    return format_html_join(
        "",
        '<g class="ds-chart-slot"><rect class="ds-chart-hit" x="{}%" y="0" width="{}%"'
        ' height="{}"/><rect class="{}" x="{}%" y="{}" width="{}%" height="{}"/>'
        "<title>{}</title></g>",
        (
            (
                _round(index * slot),
                _round(slot),
                HEIGHT - _FOOT,
                "ds-chart-bar" if bar.value >= 0 else "ds-chart-bar ds-chart-bar--below",
                _round((index + 0.5) * slot - width / 2),
                _round(min(zero, scale.y(bar.value))),
                _round(width),
                _round(abs(zero - scale.y(bar.value))),
                bar.text,
            )
            for index, bar in enumerate(bars)
        ),
    )


def _before(bars: Sequence[Bar], scale: _Scale) -> SafeString:
    """Draw the line of what the bars are compared with, over the middle of each."""
    slot = 100 / max(len(bars), 1)
    points = [
        (_round((index + 0.5) * slot), _round(scale.y(bar.before)))
        for index, bar in enumerate(bars)
        if bar.before is not None
    ]
    if not points:
        return SafeString("")
    # A line of one point is as wide as its bar.
    ends = [(0, points[0][1]), (100, points[0][1])] if len(points) == 1 else points
    return format_html(
        '<svg x="0" y="0" width="100%" height="{height}" viewBox="0 0 100 {height}"'
        ' preserveAspectRatio="none"><polyline class="ds-chart-halo" points="{points}"'
        ' fill="none" vector-effect="non-scaling-stroke"/><polyline class="ds-chart-before"'
        ' points="{points}" fill="none" vector-effect="non-scaling-stroke"/></svg>',
        height=HEIGHT,
        points=" ".join(f"{x},{y}" for x, y in ends),
    )


def _labels(labels: Sequence[str]) -> SafeString:
    count = len(labels)
    slot = 100 / max(count, 1)
    every = -(-count // _LABELS) if count else 1
    shown = range(0, count, every)
    return format_html_join(
        "",
        '<text class="{}" x="{}%" y="{}" text-anchor="{}">{}</text>',
        (
            (
                "ds-chart-label" if place % 2 == 0 else "ds-chart-label ds-chart-label--spare",
                *_anchor(index, count, slot),
                labels[index],
            )
            for place, index in enumerate(shown)
        ),
    )


def _anchor(index: int, count: int, slot: float) -> tuple[float, int, str]:
    """Return x, y and anchor of a label: those at the edges stay inside."""
    y = HEIGHT - 6
    if count > 1 and index == 0 and slot < 12:
        return 0, y, "start"
    if count > 1 and index == count - 1 and slot < 12:
        return 100, y, "end"
    return _round((index + 0.5) * slot), y, "middle"


def _round(value: float) -> float:
    return round(value, 3)
