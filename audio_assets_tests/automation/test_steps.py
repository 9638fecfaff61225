"""Steps are numbered over the whole work, and the time left is estimated from those that ended."""

from pathlib import Path

from audio_assets.automation.decisions import Task
from audio_assets.automation.local_runner import LocalRunner
from audio_assets.automation.steps import Kind, Step, StepCounter, kind_of, title_of
from audio_assets.definitions import build_defs
from audio_assets.pipeline.stages import EXPERIMENT, INVENTORY, JOBS, REPORT, SPLITS, Per
from audio_assets_tests.place import Place, new_place
from audio_assets_tests.small_audio import clip, write_clip, write_species


def count(*seconds: tuple[Kind, float]) -> list[Step]:
    """Steps that take these seconds, as they are reported."""
    now = 0.0
    steps: list[Step] = []
    counter = StepCounter(steps.append, lambda: now)
    counter.plan([kind for kind, _ in seconds])
    for kind, of_step in seconds:
        with counter.step(kind, "x"):
            now += of_step
    return steps


def test_steps_are_numbered_over_the_whole_work() -> None:
    steps = count((Kind(INVENTORY), 1), (Kind(SPLITS), 1), (Kind(REPORT), 1))
    assert [(step.number, step.total) for step in steps] == [(1, 3), (2, 3), (3, 3)]


def test_a_step_that_turns_out_to_be_fresh_lowers_the_total() -> None:
    steps: list[Step] = []
    counter = StepCounter(steps.append)
    counter.plan([Kind(INVENTORY), Kind(SPLITS), Kind(SPLITS), Kind(REPORT)])
    with counter.step(Kind(INVENTORY), "x"):
        pass
    counter.plan([Kind(REPORT)])
    with counter.step(Kind(REPORT), "x"):
        pass
    assert [(step.number, step.total) for step in steps] == [(1, 4), (2, 2)]


def test_the_time_left_is_unknown_at_first_then_that_of_steps_of_the_same_kind() -> None:
    svm, forest = Kind(EXPERIMENT, "svm"), Kind(EXPERIMENT, "random_forest")
    steps = count((svm, 10), (forest, 200), (svm, 30), (forest, 100), (svm, 1))
    left = [step.seconds_left for step in steps]
    # The forest is not known before the second step ends: it is taken to last as long as the other.
    assert left == [None, 10 + 10 + 10 + 10, 10 + 200 + 10, 200 + 20, 20]


def test_steps_of_a_job_that_has_not_ended_once_are_scaled_by_those_that_have() -> None:
    quick = count((Kind(INVENTORY), 1), (Kind(SPLITS), 1))[1].seconds_left
    slow = count((Kind(INVENTORY), 10), (Kind(SPLITS), 1))[1].seconds_left
    assert quick and slow == 10 * quick


def test_every_job_names_the_model_and_species_of_its_step() -> None:
    for name, job in JOBS.items():
        partition = {
            Per.ALL: "",
            Per.MODEL: "birdnet",
            Per.SPECIES: "coyote",
            Per.SPECIES_AND_MODEL: "birdnet|coyote",
        }[job.per]
        title = title_of(Task(name, partition))
        assert ("coyote" in title) == ("coyote" in partition)
        assert ("birdnet" in title) == ("birdnet" in partition)
        assert kind_of(Task(name, partition)).model == ("birdnet" if "|" in partition else "")


def test_a_local_run_reports_one_step_per_task_and_only_what_is_left(tmp_path: Path) -> None:
    with new_place(tmp_path) as place:
        write_species(place.audio, "owl", recordings=6)
        first = run(place)
        total = len(first)
        assert total >= len(JOBS) - 1
        assert [(step.number, step.total) for step in first] == [
            (number, total) for number in range(1, total + 1)
        ]
        assert run(place) == []
        write_clip(place.audio / "owl/data/pos/more.wav", clip(1, tone=True))
        again = run(place)
        assert again[0].title == "owl: list the clips" and again[-1].title == "write the report"
        assert again[-1].number == again[-1].total == len(again) < total


def run(place: Place) -> list[Step]:
    """The steps of a run that fails nowhere."""
    steps: list[Step] = []
    plan = place.plan()
    runner = LocalRunner(build_defs(plan.settings), plan, place.instance, StepCounter(steps.append))
    assert not runner.bring_up_to_date(["owl"], plan.settings.models).failures
    return steps
