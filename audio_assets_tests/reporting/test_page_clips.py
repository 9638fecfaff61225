import pytest

from audio_assets.reporting.page.clips import affordable_media
from audio_assets.reporting.page.page import render_report
from audio_assets_tests.reporting.fake_results import (
    fake_hard_clips,
    fake_report,
    hard_clip,
    hard_clips_frame,
)
from audio_assets_tests.reporting.test_page import Page


def page(*rows) -> Page:
    return Page(render_report(fake_report(hard_clips=hard_clips_frame(rows))))


def test_each_clip_has_a_picture_with_words_a_player_and_its_recording():
    html = Page(render_report(fake_report()))
    images, players = html.attributes("img"), html.attributes("audio")
    assert len(images) == len(players) == 6
    assert {image["alt"] for image in images} == {
        f"Spectrogram of {label}/clip-{place}: 2.0 s, 50 Hz to 11 kHz"
        for label in ("neg", "pos")
        for place in range(3)
    }
    assert {player["preload"] for player in players} == {"none"}
    said = html.said()
    assert "BirdNET 2.4 trained with 107 clips per class has the highest AUC" in said
    assert "Mean probability 0.125: below 25 % of the negative clips. Recording pos-rec" in said
    assert "Mean probability 0.125: above 25 % of the positive clips. Recording neg-rec" in said


def test_the_policy_lets_pictures_and_sounds_in_from_the_page_alone():
    policy = Page(render_report(fake_report())).attributes("meta")[1]["content"]
    assert "media-src data:;" in policy and "img-src data: blob:;" in policy


def test_a_clip_that_is_on_no_wrong_side_is_not_listed():
    right = hard_clip("pos", 0, misranked=0.0, picture=None, sound=None, seconds=None)
    told = page(hard_clip("neg", 0), right)
    assert len(told.attributes("audio")) == 1
    assert "No positive clip is on the wrong side of one of the other class." in told.said()
    assert "pos/clip-0" not in told.said()


def test_a_clip_without_a_sound_is_named_with_the_reason():
    lost = {"picture": None, "sound": None, "seconds": None, "fault": "it could not be read: gone"}
    told = page(hard_clip("pos", 0, **lost))
    assert told.attributes("audio") == told.attributes("img") == []
    assert "pos/clip-0" in told.said() and "it could not be read: gone" in told.said()


def test_scores_that_are_no_probabilities_are_not_called_so():
    assert (
        "Mean score -1.25: below"
        in page(hard_clip("pos", 0, is_probability=False, score=-1.25)).said()
    )


@pytest.mark.parametrize(
    "share, words", [(0.001, "1 %"), (0.999, "99 %"), (1.0, "100 %"), (0.57, "57 %")]
)
def test_something_is_never_written_as_nothing_nor_as_all(share, words):
    assert f"below {words} of" in page(hard_clip("pos", 0, misranked=share)).said()


def test_without_clips_the_page_says_that_they_were_not_looked_for():
    assert "the clips it gets wrong are not known" in page().said()


def test_a_page_over_its_budget_keeps_pictures_and_the_most_wrong_clips():
    content = fake_report(hard_clips=fake_hard_clips())
    everything = affordable_media(content)
    sizes = {key: len(uri) for key, uri in everything.items()}
    pictures = sum(size for (_, column), size in sizes.items() if column == "picture")
    sound = next(size for (_, column), size in sizes.items() if column == "sound")
    some = affordable_media(content, pictures + 2 * sound)
    assert sum(column == "picture" for _, column in some) == 6
    assert {clip for clip, column in some if column == "sound"} == {
        "coyote/neg/clip-0",
        "coyote/pos/clip-0",
    }
    assert sum(len(uri) for uri in some.values()) <= pictures + 2 * sound


def test_a_clip_without_its_sound_for_the_budget_says_so(monkeypatch):
    from audio_assets.reporting.page import clips as page_clips

    monkeypatch.setattr(page_clips.affordable_media, "__defaults__", (10,))
    said = Page(render_report(fake_report())).said()
    assert said.count("Its picture and sound would make this page too large.") == 6


def test_names_of_clips_never_become_markup():
    evil = "<script>1</script>\"'&"
    told = page(hard_clip("pos", 0, clip_id=evil, recording_id=evil))
    assert told.wrong == [] and told.said().count("<script>1</script>") == 2
    assert told.attributes("img")[0]["alt"] == f"Spectrogram of {evil}: 2.0 s, 50 Hz to 11 kHz"
