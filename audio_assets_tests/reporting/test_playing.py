"""The clips of the map that can be played."""

import csv
import io
import json

import pytest

from audio_assets.reporting.charts.embedding_map import drawn_clips, map_chart
from audio_assets.reporting.page.clips import affordable_media, hard_clips, playable
from audio_assets.reporting.page.content import ReportContent
from audio_assets.reporting.page.maps import embedding_map
from audio_assets.reporting.page.page import render_report
from audio_assets_tests.reporting.emulation import shown_as
from audio_assets_tests.reporting.fake_results import (
    SEVEN,
    fake_map,
    fake_report,
    hard_clip,
    hard_clips_frame,
)
from audio_assets_tests.reporting.test_browser import texts, waits
from audio_assets_tests.reporting.test_page import Page

CLIPS = fake_map()
HEARD = [clip for clip in CLIPS["clip_id"] if clip.endswith("_a")][:4]


def report(**changes) -> ReportContent:
    """A report in which four clips of the map have a sound."""
    rows = [hard_clip(clip.split("/")[0], place, clip_id=clip) for place, clip in enumerate(HEARD)]
    return fake_report(hard_clips=hard_clips_frame(rows), **changes)


def chart(clips=CLIPS, heard=HEARD) -> dict:
    return json.loads(
        map_chart(clips, species="coyote", models=SEVEN, playable=frozenset(heard)).to_json()
    )


def test_only_clips_with_a_sound_are_ringed_and_announced():
    spec = chart()
    rows = csv.DictReader(io.StringIO(spec["data"]["values"]))
    assert [row["clip"] for row in rows if row["plays"]] == sorted(HEARD, key=list_of(spec).index)
    silent, ringed = spec["layer"]
    assert silent["mark"]["aria"] is False and "stroke" not in silent["mark"]
    assert ringed["mark"]["stroke"] == "currentColor" and "aria" not in ringed["mark"]
    assert [t.get("filter") for t in silent["transform"]] == ["!datum.plays"]
    assert ringed["transform"][0]["filter"] == "datum.plays"


def list_of(spec: dict) -> list[str]:
    return [row["clip"] for row in csv.DictReader(io.StringIO(spec["data"]["values"]))]


def test_a_map_without_sounds_has_one_layer_and_the_page_says_so():
    assert len(chart(heard=())["layer"]) == 1
    assert "No clip of the map can be played" in Page(render_report(fake_report())).said()


def test_clips_with_a_sound_are_drawn_however_many_others_there_are():
    many = fake_map(recordings=300)
    last = [clip for clip in many["clip_id"] if clip not in set(drawn_clips(many)["clip_id"])][:3]
    assert set(last) <= set(drawn_clips(many, playable=last)["clip_id"])
    assert len(drawn_clips(many, playable=last)) == 600


def test_the_page_says_which_clips_can_be_played_and_has_each_sound_once():
    html = render_report(report())
    assert "4 clips with a ring can be played" in Page(html).said()
    assert html.count("data:audio/mpeg;base64,") == 4


def test_a_clip_whose_sound_does_not_fit_on_the_page_cannot_be_played():
    everything = sum(map(len, affordable_media(report()).values()))
    media = affordable_media(report(), budget=everything - 1)
    section = hard_clips(report(), "coyote", media)
    assert section is not None
    heard = playable(section)
    assert heard < set(HEARD) and len(heard) == 3
    page_map = embedding_map(report(), "coyote", heard)
    assert page_map is not None and page_map.sounds.startswith("3 clips with a ring")


PLAYER = "return document.querySelector('.player audio')"
STUB = """
window.played = [];
HTMLMediaElement.prototype.play = function () {
  window.played.push(this.src.length);
  return Promise.resolve();
};
"""


def status(page) -> str:
    (words,) = texts(page, ".player [role=status]")
    return words


@pytest.mark.browser
def test_a_click_or_enter_on_a_ringed_point_plays_its_clip(open_page):
    page = open_page(render_report(report()))
    page.driver.execute_script(STUB)
    points = page.driver.find_elements("css selector", ".map path[role=button]")
    assert len(points) == 4
    assert all(p.get_attribute("aria-label").startswith("Play ") for p in points)
    points[0].send_keys("\ue007")
    clip = points[0].get_attribute("aria-label").removeprefix("Play ").split(", recording ")[0]
    assert status(page).startswith(f"Playing {clip}, recording ")
    src = page.driver.execute_script(f"{PLAYER}.src")
    own = page.driver.execute_script(
        "return document.querySelector(`audio[data-clip='${arguments[0]}']`).src", clip
    )
    assert src == own and src.startswith("data:audio/mpeg;base64,")
    points[1].click()
    other = points[1].get_attribute("aria-label").removeprefix("Play ").split(", recording ")[0]
    waits(page, lambda: status(page).startswith(f"Playing {other}, "))
    assert len(page.driver.execute_script("return window.played")) == 2
    assert page.errors == [] and page.requests == []


@pytest.mark.browser
def test_a_click_on_another_point_says_that_its_sound_is_not_in_the_page(open_page):
    page = open_page(render_report(report()))
    page.driver.execute_script(STUB)
    silent = page.driver.execute_script(
        "return [...document.querySelectorAll('.map .mark-symbol.role-mark path')]"
        ".find(path => !path.hasAttribute('tabindex'))"
    )
    silent.click()
    waits(page, lambda: "is not in this page. Points with a ring can be played." in status(page))
    assert page.driver.execute_script("return window.played") == []
    assert page.driver.execute_script(f"{PLAYER}.hidden")


@pytest.mark.browser
def test_points_can_be_played_after_a_recording_was_chosen_and_after_the_page_became_narrow(
    open_page, chromium
):
    from selenium.webdriver.support.ui import Select

    page = open_page(render_report(report()))
    page.driver.execute_script(STUB)
    Select(page.driver.find_element("css selector", ".pick select")).select_by_index(1)
    buttons = ".map path[role=button][tabindex='0']"
    waits(page, lambda: len(page.driver.find_elements("css selector", buttons)) == 4)
    with shown_as(chromium, 390, "light"):
        waits(page, lambda: page.driver.execute_script("return innerWidth") == 390)
        waits(page, lambda: "untrained" in texts(page, ".chart svg text tspan"))
        waits(page, lambda: len(page.driver.find_elements("css selector", buttons)) == 4)
        waits(page, lambda: len(texts(page, ".player")) == 1)
        page.driver.find_elements("css selector", buttons)[0].send_keys("\ue007")
        assert len(page.driver.execute_script("return window.played")) == 1
