"""What is run next, whatever is stale, running and failed."""

from hypothesis import given
from hypothesis import strategies as st

from audio_assets.automation.decisions import (
    ATTEMPTS,
    DEFAULT_RETRIES,
    Decision,
    History,
    Inputs,
    Standing,
    Task,
    Work,
    decide,
)

A, B, C = Task("a"), Task("b"), Task("c", "owl")
CHAIN = {A: Inputs(), B: Inputs(required=(A,)), C: Inputs(awaited=(B,))}


def decided(
    tasks: dict[Task, Inputs],
    stale: set[Task],
    *,
    running: frozenset[Task] = frozenset(),
    failures: int = 0,
    now: float = 0.0,
) -> Decision:
    def work(task: Task) -> Work | None:
        return Work(("asset",), str(task)) if task in stale else None

    past = History(failures=failures, last_end=0.0)
    return decide(tasks, running=running, work=work, history=lambda _: past, now=now)


def test_only_what_is_ready_is_due():
    decision = decided(CHAIN, {A, B, C})
    assert decision.standings == {A: Standing.DUE, B: Standing.WAITING, C: Standing.WAITING}
    assert list(decision.due) == [A]
    assert list(decided(CHAIN, {B, C}).due) == [B]
    assert decided(CHAIN, set()).due == {}


def test_what_runs_is_not_due_and_all_behind_it_waits():
    decision = decided(CHAIN, {A, B, C}, running=frozenset({A}))
    assert decision.standings == {A: Standing.RUNNING, B: Standing.WAITING, C: Standing.WAITING}


def test_work_is_given_up_after_a_number_of_failures_and_holds_up_no_one_who_only_awaits_it():
    decision = decided(CHAIN, {A}, failures=ATTEMPTS, now=DEFAULT_RETRIES.given_up - 1)
    assert decision.standings == {A: Standing.FAILED, B: Standing.BLOCKED, C: Standing.FRESH}


@given(st.integers(ATTEMPTS, 50))
def test_work_is_given_up_for_a_day_however_often_it_failed(failures):
    day = DEFAULT_RETRIES.given_up
    assert decided(CHAIN, {A}, failures=failures, now=day - 1).standings[A] is Standing.FAILED
    assert A in decided(CHAIN, {A}, failures=failures, now=day).due


@given(st.integers(0, 50))
def test_work_that_failed_before_is_not_tried_while_access_is_refused(failures):
    asked: list[Task] = []

    def refused(task: Task) -> bool:
        asked.append(task)
        return True

    past = History(failures=failures, last_end=0.0)
    work = Work(("asset",), "a")
    (standing,) = decide(
        {A: Inputs()},
        running=(),
        work=lambda _: work,
        history=lambda _: past,
        now=1e9,
        refused=refused,
    ).standings.values()
    # What never failed is not asked about: each question costs a request.
    assert (standing, asked) == ((Standing.REFUSED, [A]) if failures else (Standing.DUE, []))


@given(st.integers(1, ATTEMPTS - 1))
def test_a_failure_is_tried_again_after_its_wait_and_not_before(failures):
    wait = DEFAULT_RETRIES.wait(failures)
    assert A not in decided(CHAIN, {A}, failures=failures, now=wait - 1).due
    assert decided(CHAIN, {A}, failures=failures, now=wait - 1).standings[B] is Standing.BLOCKED
    assert A in decided(CHAIN, {A}, failures=failures, now=wait).due


def test_waits_grow():
    waits = [DEFAULT_RETRIES.wait(failures) for failures in range(1, ATTEMPTS)]
    assert waits == sorted(set(waits)) and waits[0] > 0


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[Task, Inputs], set[Task], frozenset[Task]]:
    tasks: dict[Task, Inputs] = {}
    for number in range(draw(st.integers(1, 12))):
        inputs = st.lists(st.sampled_from(list(tasks)), unique=True) if tasks else st.just([])
        tasks[Task(f"t{number}")] = Inputs(tuple(draw(inputs)), tuple(draw(inputs)))
    some = st.sets(st.sampled_from(list(tasks)))
    return tasks, draw(some), frozenset(draw(some))


@given(graphs())
def test_no_task_is_due_before_what_it_is_built_on_and_none_is_forgotten(graph):
    tasks, stale, running = graph
    decision = decided(tasks, stale, running=running)
    assert decision.standings.keys() == tasks.keys()
    busy = {Standing.DUE, Standing.RUNNING, Standing.WAITING}
    for task, inputs in tasks.items():
        before = {decision.standings[one] for one in (*inputs.required, *inputs.awaited)}
        if task in decision.due:
            assert task in stale - running and not before & busy
        elif task in stale - running:
            assert before & busy


@given(graphs())
def test_carrying_out_what_is_due_runs_each_stale_task_once(graph):
    tasks, stale, _ = graph
    left, ran = set(stale), []
    for _ in range(len(tasks) + 1):
        due = decided(tasks, left).due
        ran += list(due)
        left -= set(due)
    assert sorted(ran) == sorted(stale)
