import pytest

from audio_assets.errors import SettingsError
from audio_assets.pipeline.stages import STAGES
from audio_assets.pipeline.versions import (
    code_version,
    numbers_version,
    require_versions,
    versions_tag,
)
from audio_assets.settings import load_settings

BEHIND = {"learning_curve"} | {name for name, stage in STAGES.items() if stage.current}


def changed(before: dict[str, object], after: dict[str, object]) -> set[str]:
    """Assets whose code version differs between two sets of settings."""
    one, two = load_settings(**before), load_settings(**after)
    return {asset for asset in STAGES if code_version(asset, one) != code_version(asset, two)}


def test_the_protocol_makes_splits_and_scores_stale() -> None:
    stale = changed({}, {"protocol": "holdout"})
    scored = {"fold_scores", "fold_predictions", "bootstrap_scores"}
    assert stale == {"balanced_manifest"} | scored | BEHIND


def test_test_clips_per_class_count_under_holdout_alone() -> None:
    assert changed({}, {"holdout_per_class": 20}) == set()
    holdout = {"protocol": "holdout"}
    stale = changed(holdout, holdout | {"holdout_per_class": 20})
    assert stale == {"balanced_manifest"} | BEHIND


def test_the_number_of_folds_counts_under_cross_validation_alone() -> None:
    assert changed({}, {"folds": 3}) == {"balanced_manifest"} | BEHIND
    assert changed({"protocol": "holdout"}, {"protocol": "holdout", "folds": 3}) == set()


def test_rows_of_unequal_protocol_or_test_set_can_be_told_apart() -> None:
    settings = [
        {},
        {"holdout_per_class": 20},
        {"protocol": "holdout"},
        {"protocol": "holdout", "holdout_per_class": 20},
    ]
    versions = [numbers_version("svm", load_settings(**given)) for given in settings]
    assert versions[0] == versions[1] and len(set(versions)) == 3


def test_other_clips_for_perch_are_measured() -> None:
    perch = {"models": ("perch",)}
    assert "clip_properties" in changed(perch, perch | {"perch_variant": "data"})
    both = {"models": ("perch", "svm")}
    assert "clip_properties" in changed(both, both | {"perch_variant": "data"})


def test_another_model_that_reads_the_same_clips_measures_none() -> None:
    assert "clip_properties" not in changed({"models": ("svm",)}, {"models": ("birdnet", "svm")})


def test_a_run_is_refused_by_the_versions_of_its_own_assets_alone():
    asked = versions_tag(["clip_digests", "balanced_manifest", "fold_scores"], load_settings())
    require_versions(asked, load_settings(target_auc=0.7))
    with pytest.raises(SettingsError, match="another version of balanced_manifest, fold_scores\\."):
        require_versions(asked, load_settings(seed=7))
