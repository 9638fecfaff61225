import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_assets.evaluation.doubts.embedding_map import embedding_map

RNG = np.random.default_rng(0)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("shape", [(30, 5), (30, 200), (4, 3)])
def test_the_map_is_that_of_scikit_learns_pca_up_to_its_signs(shape):
    from sklearn.decomposition import PCA

    vectors = RNG.normal(size=shape) * RNG.uniform(0.5, 2, size=shape[1])
    pca = PCA(2, svd_solver="full")
    expected = pca.fit_transform(unit(vectors))
    made = embedding_map(vectors)
    np.testing.assert_allclose(made.variance, pca.explained_variance_ratio_, atol=1e-6)
    np.testing.assert_allclose(np.abs(made.points), np.abs(expected), atol=1e-6)


def test_the_largest_loading_of_a_component_is_positive():
    # Of unit length already: nearly all of the difference is along the third axis, then the first.
    angles = np.linspace(-0.5, 0.5, 9)
    vectors = np.stack([0.1 * np.cos(7 * angles), np.ones(9), np.tan(angles)], axis=1)
    for flipped in (1, -1):
        points = embedding_map(flipped * vectors).points
        along = flipped * unit(vectors)
        assert np.corrcoef(points[:, 0], along[:, 2])[0, 1] > 0.99
        assert np.corrcoef(points[:, 1], along[:, 0])[0, 1] > 0.5


def test_length_does_not_matter_and_a_row_of_zeros_is_no_error():
    vectors = RNG.normal(size=(10, 4))
    scaled = vectors * RNG.uniform(0.1, 10, size=(10, 1))
    np.testing.assert_allclose(
        embedding_map(vectors).points, embedding_map(scaled).points, atol=2e-6
    )
    vectors[3] = 0
    assert np.isfinite(embedding_map(vectors).points).all()


@pytest.mark.parametrize("rows", [1, 5])
def test_clips_that_are_all_equal_lie_on_one_point_and_share_no_variance(rows):
    made = embedding_map(np.tile(RNG.normal(size=7), (rows, 1)))
    assert (made.points == 0).all() and np.isnan(made.variance).all()


def test_two_clips_have_one_axis_between_them():
    made = embedding_map([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    assert made.variance.tolist() == [1, 0]
    assert np.abs(made.points[:, 0]) == pytest.approx(np.sqrt(0.5), abs=1e-6)
    assert (made.points[:, 1] == 0).all()


@given(st.integers(3, 12), st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_no_distance_on_the_map_exceeds_that_of_the_embeddings(clips, dimension, seed):
    vectors = np.random.default_rng(seed).normal(size=(clips, dimension))
    points = embedding_map(vectors).points

    def distances(at):
        return np.linalg.norm(at[:, None] - at[None], axis=2)

    assert (distances(points) <= distances(unit(vectors)) + 1e-5).all()


@given(st.permutations(range(8)))
def test_the_order_of_the_clips_changes_nothing(order):
    vectors = np.random.default_rng(1).normal(size=(8, 20))
    np.testing.assert_allclose(
        embedding_map(vectors).points[order], embedding_map(vectors[order]).points, atol=2e-6
    )


@pytest.mark.parametrize("wrong", [np.zeros((0, 3)), np.zeros(3), [[1.0, np.nan]]])
def test_what_is_no_table_of_finite_numbers_is_refused(wrong):
    with pytest.raises(ValueError, match="embeddings must be"):
        embedding_map(wrong)
