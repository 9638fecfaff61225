import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_assets import evaluate
from audio_assets.errors import DuplicateEmbeddingsWarning
from audio_assets.evaluation.scores.equal_rows import describe_equal_rows
from audio_assets_tests.evaluation.conftest import Clips, simulate


def warning_of(clips: Clips) -> str:
    with pytest.warns(DuplicateEmbeddingsWarning) as caught:
        evaluate(clips.embeddings, clips.labels, clips.recordings, sizes=(4,), repeats=1)
    assert [warning.filename for warning in caught] == [__file__]
    return str(caught[0].message)


def test_a_copy_of_a_clip_under_another_recording_is_warned_of_with_both_rows() -> None:
    clips = simulate()
    clips.embeddings[7] = clips.embeddings[2]
    assert warning_of(clips).startswith(
        "2 rows of embeddings are equal to a row of another recording, first rows 2 and 7 "
        "('rec-0' and 'rec-2')"
    )
    assert "other label" not in warning_of(clips)


def test_a_copy_of_a_clip_under_the_other_label_is_warned_of() -> None:
    clips = simulate()
    clips.embeddings[40] = clips.embeddings[2]
    clips.recordings[36:42] = clips.recordings[0]
    assert warning_of(clips).startswith(
        "2 rows of embeddings are equal to a row of the other label, first rows 2 and 40"
    )


def test_clips_are_called_by_their_names_where_these_are_known() -> None:
    clips = simulate()
    clips.embeddings[7] = clips.embeddings[2]
    names = [f"pos/{row}" for row in range(72)]
    said = describe_equal_rows(clips.embeddings, clips.labels, clips.recordings, names)
    assert "first pos/2 and pos/7 ('rec-0' and 'rec-2')" in said


@pytest.mark.parametrize(("value", "words"), [(0.0, "of zeros"), (0.25, "equal")])
def test_an_encoder_that_gives_all_clips_the_same_is_named(value: float, words: str) -> None:
    clips = simulate()
    clips.embeddings[:] = value
    assert warning_of(clips).startswith(f"all 72 rows of embeddings are {words}, so that nothing")


def test_equal_clips_of_one_recording_and_label_are_no_fault() -> None:
    clips = simulate()
    clips.embeddings[1] = clips.embeddings[0]
    # Warnings are errors here.
    evaluate(clips.embeddings, clips.labels, clips.recordings, sizes=(4,), repeats=1)


rows = st.lists(
    st.tuples(st.sampled_from([0.0, -0.0, 1.0, 2.0]), st.integers(0, 1), st.integers(0, 3)),
    min_size=1,
    max_size=12,
)


@given(rows)
def test_a_description_is_given_where_and_only_where_equal_rows_differ_in_name_or_label(
    clips: list[tuple[float, int, int]],
) -> None:
    values, labels, recordings = (np.array(of) for of in zip(*clips, strict=True))
    said = describe_equal_rows(values[:, None], labels, recordings.astype(str))
    pairs = [(i, j) for i in range(len(clips)) for j in range(i) if values[i] == values[j]]
    across = {row for i, j in pairs if recordings[i] != recordings[j] for row in (i, j)}
    if len(clips) > 1 and len(set(values + 0.0)) == 1:
        assert said.startswith("all ")
    else:
        assert (f"{len(across)} rows of embeddings are equal to a row of another" in said) == bool(
            across
        )
        assert ("other label" in said) == any(labels[i] != labels[j] for i, j in pairs)
