import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_assets.evaluation.doubts import near_duplicates
from audio_assets.evaluation.doubts.near_duplicates import (
    find_near_duplicates,
    join_recordings,
    joined_groups,
    joined_recordings,
    joins_too_many,
)

ABOVE = 0.95


def clips(vectors, recordings=None, labels=None, status="ok") -> pd.DataFrame:
    n = len(vectors)
    return pd.DataFrame(
        {
            "clip_id": [f"pos/{i:03d}" for i in range(n)],
            "variant": "data",
            "label": ["pos"] * n if labels is None else labels,
            "recording_id": [f"r{i:03d}" for i in range(n)] if recordings is None else recordings,
            "sha256": [f"{i:03d}" for i in range(n)],
            "status": status,
            "embedding": list(np.asarray(vectors, dtype=np.float32)),
            "encoder": "placeholder",
            "encoder_fingerprint": "f" * 64,
        }
    )


def clusters(sizes, seed=0, spread=0.02, dimension=32):
    """Clips in tight bunches that point elsewhere each."""
    rng = np.random.default_rng(seed)
    centres = np.linalg.qr(rng.normal(size=(dimension, dimension)))[0][: len(sizes)]
    vectors = np.repeat(centres, sizes, axis=0)
    return vectors + rng.normal(scale=spread, size=vectors.shape)


def find(table, above=ABOVE):
    return find_near_duplicates(table, species="owl", above=above)


def all_pairs(table, above=ABOVE):
    """Every pair above the threshold, the plain way."""
    vectors = np.stack(table["embedding"]).astype(float)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    near = np.argwhere(np.triu(np.round(vectors @ vectors.T, 6) > above, k=1))
    ids = table["clip_id"].to_numpy()
    return [tuple(sorted(pair)) for pair in ids[near]]


def test_a_pair_says_what_is_alike_and_how_much():
    vectors = [[1, 0, 0], [0.99, 0.1, 0], [0, 0, 1]]
    pair = find(clips(vectors, labels=["pos", "neg", "pos"])).iloc[0]
    assert (pair["clip_id_a"], pair["clip_id_b"]) == ("pos/000", "pos/001")
    assert (pair["label_a"], pair["label_b"]) == ("pos", "neg")
    assert (pair["recording_id_a"], pair["recording_id_b"]) == ("r000", "r001")
    assert not pair["same_recording"]
    assert pair["cosine"] == pytest.approx(0.99 / np.hypot(0.99, 0.1), abs=1e-6)


def test_different_clips_are_no_pair_and_unusable_ones_are_left_out():
    assert find(clips(np.eye(5))).empty
    assert find(clips(clusters([3]), status="quarantined")).empty
    assert find(clips(np.zeros((3, 4)))).empty
    assert joined_recordings(find(clips(np.eye(5)))) == {}


def test_of_alike_clips_the_pairs_between_recordings_are_listed_first():
    # The two of one recording are the most alike.
    table = clips([[1, 0], [1, 0], [0.99, 0.1]], recordings=["r0", "r0", "r1"])
    pairs = find(table)
    assert pairs["clip_id_a"].tolist() == ["pos/000", "pos/001"]
    assert set(pairs["clip_id_b"]) == {"pos/002"} and not pairs["same_recording"].any()


def test_a_cosine_must_exceed_the_threshold():
    table = clips([[1, 0], [0.6, 0.8]])
    assert len(find(table, above=0.599999)) == 1
    assert find(table, above=0.6).empty


@settings(max_examples=40)
@given(
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=6),
    groups=st.integers(1, 8),
    order=st.randoms(use_true_random=False),
    seed=st.integers(0, 100),
)
def test_groups_and_pairs_are_those_of_all_pairs_in_any_order_of_rows(sizes, groups, order, seed):
    vectors = clusters(sizes, seed)
    rng = np.random.default_rng(seed)
    recordings = [f"r{i}" for i in rng.integers(0, groups, len(vectors))]
    labels = rng.choice(["pos", "neg"], len(vectors)).tolist()
    table = clips(vectors, recordings, labels)
    rows = list(range(len(table)))
    order.shuffle(rows)
    pairs = find(table)
    pd.testing.assert_frame_equal(pairs, find(table.iloc[rows]))

    joined = join_recordings(table, pairs).set_index("clip_id")
    label = table.set_index("clip_id")["label"]
    every = all_pairs(table)
    assert all(joined["recording_id"][a] == joined["recording_id"][b] for a, b in every)
    assert set(zip(pairs["clip_id_a"], pairs["clip_id_b"], strict=True)) <= set(every)
    # The fewest: no more groups are joined than by all pairs, and no pair is one too many.
    assert len(pairs) == sum(size - 1 for size in sizes)
    contradictory = {clip for a, b in every if label[a] != label[b] for clip in (a, b)}
    found = pairs[pairs["label_a"] != pairs["label_b"]]
    assert contradictory == {*found["clip_id_a"], *found["clip_id_b"]}


@given(
    links=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=15),
    order=st.randoms(use_true_random=False),
)
def test_a_group_is_named_by_its_first_recording_in_any_order_of_pairs(links, order):
    def as_pairs(links):
        return pd.DataFrame(
            [(f"r{a}", f"r{b}", a == b) for a, b in links],
            columns=["recording_id_a", "recording_id_b", "same_recording"],
        )

    joined = joined_recordings(as_pairs(links))
    order.shuffle(links)
    assert joined_recordings(as_pairs([(b, a) for a, b in links])) == joined
    for a, b in links:
        assert a == b or joined[f"r{a}"] == joined[f"r{b}"]
    for group in joined_groups(as_pairs(links)):
        assert len(group) > 1 and {joined[name] for name in group} == {group[0]}


def test_blocks_of_any_size_find_the_same_pairs(monkeypatch):
    table = clips(clusters([1, 4, 2, 7, 1, 3]))
    whole = find(table)
    for block in (1, 40, 100):
        monkeypatch.setattr(near_duplicates, "BLOCK", block)
        pd.testing.assert_frame_equal(find(table), whole)


def test_a_chain_of_pairs_is_one_group():
    angles = np.radians([0, 15, 30, 45])
    table = clips(np.column_stack([np.cos(angles), np.sin(angles)]))
    assert joined_groups(find(table)) == [("r000", "r001", "r002", "r003")]


@pytest.mark.parametrize(
    ("joined", "recordings", "expected"),
    [(2, 3, False), (3, 12, False), (3, 11, True), (30, 100, True), (25, 100, False)],
)
def test_more_than_a_quarter_of_the_recordings_in_one_group_is_too_many(
    joined, recordings, expected
):
    assert joins_too_many(joined, recordings) is expected
