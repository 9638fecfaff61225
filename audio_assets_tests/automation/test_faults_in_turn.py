"""One fault after the other under a real daemon over buckets: each is told once, and each ends.

Takes about five minutes on two cores that do nothing else.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pytest

from audio_assets.automation.health import SILENT_SECONDS
from audio_assets.automation.watch import CHECK, JOB
from audio_assets.cli.doctor import run_doctor
from audio_assets_tests.automation.daemons import SETTINGS, Daemon, closing
from audio_assets_tests.automation.test_webhook import Hook, hook  # noqa: F401
from audio_assets_tests.bucket_server import BucketServer
from audio_assets_tests.conftest import BUCKET
from audio_assets_tests.small_audio import clip, write_clip, write_species

pytestmark = [pytest.mark.slow, pytest.mark.posix]

RESULTS = "results-of-models"
AUDIO_ROOT, RESULTS_ROOT = f"gs://{BUCKET}/audio", f"gs://{RESULTS}/all"
LIST_AUDIO = rf"^/storage/v1/b/{BUCKET}/o\?"
READ_AUDIO = rf"/b/{BUCKET}/o/"
WRITE_RESULTS = rf"^/upload/storage/v1/b/{RESULTS}/"


@dataclass
class Signal:
    """What is told of the health of an automation: by ``doctor``, the webhook and the check.

    Attributes
    ----------
    told
        How often the webhook should have told of each problem so far.
    words
        What it tells of a problem, at the least, to the problem's key.
    """

    daemon: Daemon
    hook: Hook
    capture: pytest.CaptureFixture[str]
    told: Counter[str] = field(default_factory=Counter)
    words: dict[str, str] = field(default_factory=dict)

    def wait_for(self, problems: dict[str, str]) -> None:
        """Wait until all tell of these problems and of no others: keys, and how they are told."""
        self.words |= {words: key for key, words in problems.items()}
        standing = self.told - self.ended()
        self.told.update(problems.keys() - standing.keys())
        subjects = {_subject(key) for key in problems}
        self.daemon.wait_for(
            f"doctor finding {subjects}", lambda: self.doctor() == subjects, self.doctor
        )
        self.daemon.wait_for(
            f"the webhook being told of {sorted(problems)}, in all {self.told}",
            lambda: self.begun() == self.told and self.told - self.ended() == Counter([*problems]),
            lambda: [message["text"] for message in self.hook.got],
        )
        self.daemon.wait_for("the check", lambda: self.check_passes() is (not problems))

    def doctor(self) -> set[str]:
        """Subjects that ``doctor`` finds something wrong with; its exit code has to fit."""
        self.capture.readouterr()
        code = run_doctor(as_json=True)
        findings = json.loads(self.capture.readouterr().out)
        found = {finding["subject"] for finding in findings if finding["todo"]}
        assert code == bool(found)
        return found

    def begun(self) -> Counter[str]:
        """How often the webhook was told that each problem began."""
        return Counter(self._key(said) for said in self._said("problem"))

    def ended(self) -> Counter[str]:
        """How often the webhook was told that each problem ended."""
        return Counter(self._said("resolved"))

    def check_passes(self) -> bool | None:
        """What the newest run of the check found; None while it is going on."""
        storage = self.daemon.instance.event_log_storage
        last = storage.get_latest_asset_check_execution_by_key([CHECK]).get(CHECK)
        event = last.event.dagster_event if last is not None and last.event is not None else None
        if event is None or event.event_type_value != "ASSET_CHECK_EVALUATION":
            return None
        return event.asset_check_evaluation_data.passed

    def _said(self, what: str) -> list[str]:
        texts = [message["text"] for message in self.hook.got]
        return [said for text in texts for said in re.findall(f"audio-assets: {what}: (.*)", text)]

    def _key(self, said: str) -> str:
        found = [key for words, key in self.words.items() if said.startswith(words)]
        return found[0] if found else said


def _subject(key: str) -> str:
    """What ``doctor`` calls a problem; the roots have lines of their own."""
    return {f"audio root: {AUDIO_ROOT}": "audio", f"results root: {RESULTS_ROOT}": "results"}.get(
        key, key
    )


@pytest.fixture
def buckets(bucket_server: BucketServer, tmp_path: Path) -> BucketServer:
    """A bucket with the audio of owl and fox, and an empty one."""
    for species in ("owl", "fox"):
        write_species(tmp_path / "audio", species, recordings=4)
    for path in sorted((tmp_path / "audio").rglob("*.wav")):
        bucket_server.put(BUCKET, str(path.relative_to(tmp_path)), path.read_bytes())
    bucket_server.objects[RESULTS] = {}
    return bucket_server


@pytest.fixture
def daemon(
    buckets: BucketServer,
    tmp_path: Path,
    hook: Hook,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Daemon]:
    """A daemon that has yet to start, where all is done; what failed is tried again after 1 s."""
    settings = {**SETTINGS, "retry_seconds": 1, "health_seconds": 4, "webhook_url": hook.url}
    roots = {"audio_root": AUDIO_ROOT, "results_root": RESULTS_ROOT}
    place = {"STORAGE_EMULATOR_HOST": buckets.url}
    with closing(Daemon(tmp_path / "daemon", roots, settings, environment=place)) as daemon:
        daemon.make_all("owl", "fox")
        # For the doctor.
        for name, value in daemon.variables().items():
            monkeypatch.setenv(name, value)
        yield daemon


def replace_clip(buckets: BucketServer, folder: Path, seed: int) -> None:
    """Put other audio in the place of owl's first clip."""
    name = min(name for name in buckets.objects[BUCKET] if "/owl/" in name)
    path = write_clip(folder / f"{seed}.wav", clip(seed, tone=False))
    buckets.put(BUCKET, name, path.read_bytes())


def runs(daemon: Daemon, status: dg.DagsterRunStatus | None = None, job: str | None = None) -> int:
    """Number of runs with a status or any, of a job or of all but that of the check."""
    wanted = dg.RunsFilter(job_name=job, statuses=[status] if status else ())
    return sum(run.job_name != JOB for run in daemon.instance.get_runs(wanted))


def meet_faults_of_buckets(signal: Signal, buckets: BucketServer, folder: Path) -> None:
    """Let one change of owl's audio meet one fault after the other."""
    daemon = signal.daemon
    looks_at_audio = {
        "sensor: changed_audio": "changed_audio fails: ",
        "sensor: species_folders": "species_folders fails: ",
    }
    unreadable = {
        "access: owl": "the clips of owl may not be read: ",
        "access: NOTICE.txt": "NOTICE.txt beside the species may not be read: ",
    }
    decides = {"sensor: stale_partitions": "stale_partitions fails: "}

    def audio_root(words: str) -> dict[str, str]:
        return {f"audio root: {AUDIO_ROOT}": words} | looks_at_audio

    def results_root(words: str) -> dict[str, str]:
        return {f"results root: {RESULTS_ROOT}": words} | decides

    before, at_first = daemon.instance.get_runs_count(), runs(daemon)

    listing = buckets.fail(403, "GET", LIST_AUDIO, times=-1)
    replace_clip(buckets, folder, seed=1)
    signal.wait_for(audio_root(f"{AUDIO_ROOT} may not be listed (403)"))
    assert runs(daemon) == at_first

    # The inventory reads no clip. What reads them fails once, and then waits for the right.
    reading = buckets.fail(403, "GET", READ_AUDIO, times=-1)
    buckets.faults.remove(listing)
    signal.wait_for(unreadable)
    assert ("audio_inventory", "owl") in daemon.made_since(before)
    daemon.wait_for("the runs that do not need it", lambda: not daemon.unfinished())
    tried = runs(daemon)
    ticks = len(daemon.ticks("stale_partitions"))
    daemon.wait_for("more ticks", lambda: len(daemon.ticks("stale_partitions")) > ticks + 2)

    listing = buckets.fail(503, "GET", LIST_AUDIO, times=-1)
    signal.wait_for(unreadable | audio_root(f"{AUDIO_ROOT} could not be listed for "))
    buckets.faults.remove(listing)
    signal.wait_for(unreadable)

    writing = buckets.fail(403, "POST", WRITE_RESULTS, times=-1)
    buckets.faults.remove(reading)
    signal.wait_for(results_root(f"{RESULTS_ROOT}"))

    audio = buckets.objects.pop(BUCKET)
    buckets.faults.remove(writing)
    signal.wait_for(unreadable | audio_root(f"The bucket {BUCKET} does not exist"))

    results = buckets.objects.pop(RESULTS)
    buckets.objects[BUCKET] = audio
    missing = f"The bucket {RESULTS} does not exist, so {RESULTS_ROOT}/"
    signal.wait_for(
        results_root(f"{missing}.probe-")
        | {
            "sensor: changed_audio": looks_at_audio["sensor: changed_audio"],
            "unknown: partitions": f"{missing}audio_inventory",
        }
    )
    assert runs(daemon) == tried

    # A request that fails for as long as an examination is patient is rightly told. By chance alone
    # that would happen to one of the hundreds of requests in a few of a hundred runs.
    flaky = buckets.fail(503, times=-1, rate=0.2, in_a_row=2)
    buckets.objects[RESULTS] = results
    daemon.wait_for("owl being done", lambda: not (daemon.unfinished() or daemon.not_fresh()))
    buckets.faults.remove(flaky)
    signal.wait_for({})
    assert daemon.not_fresh() == []
    made = daemon.made_since(before)
    assert {partition for _, partition in made} == {"owl", "placeholder|owl", ""}
    # The chart waits for nobody: it first shows that owl has no current splits, and so does the
    # answer.
    assert made.pop(("roc_auc_chart", "owl")) == made.pop(("answer", "owl")) == 2
    assert set(made.values()) == {1}
    assert runs(daemon, dg.DagsterRunStatus.FAILURE) == 2


def reload_and_kill(signal: Signal) -> None:
    """Change a setting under the running daemon, and kill all while the species are made again."""
    daemon = signal.daemon
    before = daemon.instance.get_runs_count()
    daemon.reload(ci_level=0.9)
    daemon.wait_for("a run of two", lambda: runs(daemon, dg.DagsterRunStatus.STARTED, "experiment"))
    daemon.kill()
    assert "daemon: daemon" in daemon.problems(later=SILENT_SECONDS + 1)
    daemon.start()
    daemon.wait_for("both being done", lambda: daemon.is_at_rest(before))
    assert daemon.not_fresh() == []
    signal.wait_for({})
    made = daemon.made_since(before)
    assert set(made.values()) == {1}
    curves = {partition for asset, partition in made if asset == "learning_curve"}
    assert curves == {"placeholder|owl", "placeholder|fox"}


def test_each_fault_is_told_once_and_ends_and_each_partition_is_made_once(
    daemon: Daemon,
    buckets: BucketServer,
    hook: Hook,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    signal = Signal(daemon, hook, capsys)
    daemon.start()
    signal.wait_for({})
    meet_faults_of_buckets(signal, buckets, tmp_path)
    reload_and_kill(signal)
    # Nobody is told of the run that was killed: it is started again.
    failed = [message["text"] for message in hook.got if "failed (run" in message["text"]]
    assert [re.split("failed", text)[0] for text in failed] == [
        "audio-assets: splits owl ",
        "audio-assets: report ",
    ]
    assert signal.begun() == signal.ended() == signal.told
