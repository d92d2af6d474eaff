"""Charts: what they draw, and that the strictest policy lets them through."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from django_digitalstore.contrib.analytics.charts import (
    Bar,
    bar_chart,
    share_bar,
    sparkline,
    ticks,
)


def chart(*values: int, before: int | None = None, text: str = "so much") -> str:
    bars = [Bar(f"Day {number}", value, text, before) for number, value in enumerate(values)]
    return str(bar_chart(bars, key="sales", title="Sales", description="All of it.", axis=str))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 0, [0, 1]),
        (0, 1, [0, 1]),
        (0, 7, [0, 2, 4, 6, 8]),
        (0, 19999, [0, 5000, 10000, 15000, 20000]),
        (-300, 1000, [-500, 0, 500, 1000]),
        (-30, -10, [-30, -20, -10, 0]),
        (5, 9, [0, 2, 4, 6, 8, 10]),
    ],
)
def test_the_lines_of_an_axis_are_round_and_hold_all_values_and_zero(low, high, expected):
    assert ticks(low, high) == expected


def test_a_chart_is_well_formed_and_has_neither_style_nor_script():
    drawn = chart(1, -2, 3, before=2, text='<b onload="x()">& more')
    ET.fromstring(drawn)
    assert not re.search(r"style=|<style|<script|<b|href", drawn)
    assert "&lt;b onload=&quot;x()&quot;&gt;&amp; more" in drawn


def test_a_chart_says_what_it_is_to_those_who_cannot_see_it():
    plot = ET.fromstring(chart(1))[1]
    names = plot.attrib["aria-labelledby"].split()
    said = {part.attrib.get("id"): part.text for part in plot}
    assert plot.attrib["role"] == "img"
    assert [said[name] for name in names] == ["Sales", "All of it."]


def test_bars_stand_on_zero_and_hang_below_it():
    slots = ET.fromstring(chart(10, -10, 0)).iter("g")
    up, down, none = [slot[1].attrib for slot in slots]
    assert float(up["y"]) + float(up["height"]) == pytest.approx(float(down["y"]))
    assert up["class"] == "ds-chart-bar"
    assert down["class"] == "ds-chart-bar ds-chart-bar--below"
    assert float(none["height"]) == 0


def test_what_it_is_compared_with_is_one_line_however_few_points_there_are():
    assert 'class="ds-chart-before"' not in chart(1, 2)
    assert chart(1, before=1).count('class="ds-chart-before"') == 1
    assert chart(1, 2, 3, before=1).count('class="ds-chart-before"') == 1


def test_labels_are_few_and_those_at_the_edges_stay_inside():
    labels = [
        (text.text, text.attrib["text-anchor"])
        for text in ET.fromstring(chart(*range(30)))[1].iter("text")
    ]
    assert labels == [
        ("Day 0", "start"),
        ("Day 5", "middle"),
        ("Day 10", "middle"),
        ("Day 15", "middle"),
        ("Day 20", "middle"),
        ("Day 25", "middle"),
    ]


def test_a_chart_of_nothing_is_still_a_chart():
    ET.fromstring(chart())
    ET.fromstring(chart(0, 0))


def test_small_pictures_are_for_the_eye_alone():
    assert sparkline([1]) == ""
    for drawn in (sparkline([1, 5, -3]), share_bar(1, 4)):
        assert ET.fromstring(drawn).attrib["aria-hidden"] == "true"


@pytest.mark.parametrize(
    ("value", "largest", "width"), [(1, 4, "25.0%"), (-5, 4, "0.0%"), (3, 0, "0.0%")]
)
def test_a_bar_of_a_table_is_as_long_as_its_share(value, largest, width):
    assert ET.fromstring(share_bar(value, largest))[1].attrib["width"] == width
