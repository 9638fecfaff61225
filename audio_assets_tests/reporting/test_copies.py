from audio_assets.reporting.page.copies import AlikePair, Copies, JoinedGroup


def pair(clip: str, *, contradictory: bool = False, same_recording: bool = False) -> AlikePair:
    return AlikePair("owl", "data", clip, "pos/z", 0.98, contradictory, same_recording)


def test_contradictory_pairs_come_first_and_those_of_one_recording_last():
    pairs = [pair("pos/a", same_recording=True), pair("pos/b"), pair("neg/c", contradictory=True)]
    (table,) = Copies("birdnet", 0.97, pairs=pairs).tables()
    assert [row[0] for row in table.rows] == ["neg/c", "pos/b", "pos/a"]
    assert [row[-2:] for row in table.rows] == [
        ("contradictory", "joined"),
        ("equal", "joined"),
        ("equal", "the same"),
    ]


def test_a_group_that_is_too_large_names_the_setting_and_others_say_nothing():
    def warnings(too_large: bool) -> list[str]:
        group = JoinedGroup("owl", ("r1", "r2", "r3"), 8, too_large)
        return Copies("birdnet", 0.97, groups=[group]).warnings()

    assert warnings(False) == []
    (warning,) = warnings(True)
    assert "3 of 8 recordings" in warning and "AUDIO_ASSETS_DUPLICATE_COSINE (0.97)" in warning


def test_without_copies_there_are_no_tables():
    assert Copies("birdnet", 0.97).tables() == [] and Copies().warnings() == []
