from audio_assets.evaluation.splits.seeds import Purpose, generator, random_state


def test_equal_paths_give_equal_draws() -> None:
    assert generator(3, Purpose.FOLDS, 1, 2).random() == generator(3, Purpose.FOLDS, 1, 2).random()


def test_paths_that_differ_in_seed_purpose_length_or_step_give_other_draws() -> None:
    paths = [(s, p, *t) for s in (0, 1) for p in Purpose for t in ((), (0,), (0, 0), (0, 1))]
    states = {random_state(seed, purpose, *rest) for seed, purpose, *rest in paths}
    assert len(states) == len(paths)
