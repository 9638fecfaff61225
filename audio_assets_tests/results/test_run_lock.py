"""Who may run on a results root, and what killed processes leave behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap

import pytest
from upath import UPath

from audio_assets.errors import ResultsError
from audio_assets.objects import claims
from audio_assets.objects.file_lock import read_locked, try_lock
from audio_assets.objects.files import remove_leftovers, write_atomic
from audio_assets.objects.roots import open_root
from audio_assets.results.run_lock import LOCK_FILE, run_lock

HOLD = textwrap.dedent("""
    import sys, time
    from audio_assets.objects.roots import open_root
    from audio_assets.objects import claims
    from audio_assets.results.run_lock import run_lock
    claims.RENEW_SECONDS = 0.3
    with run_lock(open_root(sys.argv[1]), print):
        print("held", flush=True)
        time.sleep(60)
    """)


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_run_is_told_who_is_running(tmp_path, holder):
    with pytest.raises(ResultsError) as raised:
        with run_lock(UPath(tmp_path), pytest.fail):
            pytest.fail("two runs at once")
    assert f"process {holder.pid} on {socket.gethostname()}" in raised.value.what
    assert len(str(raised.value).splitlines()) == 2
    # Refusing does not take the lock from its holder.
    assert json.loads(read_locked(str(tmp_path / LOCK_FILE)))["pid"] == holder.pid


@pytest.mark.posix
def test_a_run_of_an_earlier_release_is_named_too(tmp_path):
    lock = try_lock(str(tmp_path / LOCK_FILE))
    assert lock is not None
    # Without the blank that Windows locks.
    (tmp_path / LOCK_FILE).write_text(json.dumps(claims.this_process()))
    with pytest.raises(ResultsError, match=f"process {os.getpid()} on "):
        with run_lock(UPath(tmp_path), pytest.fail):
            pytest.fail("two runs at once")
    lock.release()


def test_a_killed_run_leaves_no_lock(tmp_path, holder):
    holder.kill()
    holder.wait()
    with run_lock(UPath(tmp_path), pytest.fail):
        assert json.loads(read_locked(str(tmp_path / LOCK_FILE)))["pid"] == os.getpid()
    assert not (tmp_path / LOCK_FILE).exists()


def test_a_run_that_fails_lets_go(tmp_path):
    with pytest.raises(ZeroDivisionError), run_lock(UPath(tmp_path), pytest.fail):
        raise ZeroDivisionError
    with run_lock(UPath(tmp_path), pytest.fail):
        pass


ROOT = "gs://field-audio/results"


@pytest.fixture
def bucket_holder(bucket_server, monkeypatch):
    """A run on a bucket in another process, seen by one that waits a shorter time."""
    monkeypatch.setattr(claims, "DEAD_SECONDS", 3.0)
    monkeypatch.setattr(claims, "RENEW_SECONDS", 0.3)
    monkeypatch.setattr(claims, "_BUCKET_POLL_SECONDS", 0.05)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, ROOT], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_run_on_a_bucket_is_told_who_is_running(bucket_holder):
    said = []
    with pytest.raises(ResultsError) as raised:
        with run_lock(open_root(ROOT), said.append):
            pytest.fail("two runs at once")
    who = f"process {bucket_holder.pid} on {socket.gethostname()}"
    assert ROOT in raised.value.what and who in raised.value.what
    assert len(str(raised.value).splitlines()) == 2
    assert len(said) == 1 and who in said[0] and "3 s" in said[0]


def test_a_killed_run_on_a_bucket_is_waited_for_and_taken_over(bucket_holder, bucket_server):
    bucket_holder.kill()
    bucket_holder.wait()
    said = []
    with run_lock(open_root(ROOT), said.append):
        (claim,) = bucket_server.objects["field-audio"].values()
        assert json.loads(claim.data)["pid"] == os.getpid()
    assert len(said) == 1 and not bucket_server.objects["field-audio"]


def test_a_run_on_a_bucket_that_fails_lets_go(bucket_server):
    with pytest.raises(ZeroDivisionError), run_lock(open_root(ROOT), pytest.fail):
        raise ZeroDivisionError
    with run_lock(open_root(ROOT), pytest.fail):
        pass


def test_a_root_that_cannot_be_written_to_is_two_lines(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ResultsError, match="cannot be written") as raised:
        with run_lock(UPath(tmp_path / "file" / "results"), pytest.fail):
            pytest.fail("nothing can be written there")
    assert len(str(raised.value).splitlines()) == 2


def test_a_lock_is_exclusive_until_released(tmp_path):
    path = str(tmp_path / "x")
    lock = try_lock(path)
    assert lock is not None and try_lock(path) is None
    lock.release()
    again = try_lock(path)
    assert again is not None
    again.release()


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_run_removes_what_killed_runs_left_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "host.example")
    random = "0123456789abcdef"
    gone = [
        tmp_path / f".a.csv.host-example-{dead_pid()}-{random}.tmp",
        tmp_path / "deep" / "er" / f".b.parquet.host-example-{dead_pid()}-{random}.tmp",
        tmp_path / f".old.csv.elsewhere-1-{random}.tmp",
        tmp_path / ".0123abcd.claim",
    ]
    kept = [
        tmp_path / f".mine.csv.host-example-{os.getpid()}-{random}.tmp",
        tmp_path / f".new.csv.elsewhere-{dead_pid()}-{random}.tmp",
        tmp_path / "learning_curves.csv",
        tmp_path / ".notes.tmp",
        tmp_path / ".held.claim",
    ]
    for path in (*gone, *kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    os.utime(gone[2], (0, 0))
    lock = try_lock(str(kept[-1]))
    with run_lock(UPath(tmp_path), pytest.fail):
        assert not [path for path in gone if path.exists()]
        assert all(path.exists() for path in kept)
    assert lock is not None
    lock.release()


@pytest.mark.posix
def test_what_a_writer_killed_in_the_middle_left_is_recognised(tmp_path):
    code = textwrap.dedent("""
        import os, signal, sys
        from upath import UPath
        from audio_assets.objects import files
        files.os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
        files.write_atomic(UPath(sys.argv[1]) / "a.csv", b"half")
        """)
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)])
    assert done.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert remove_leftovers(UPath(tmp_path)) == [str(left)]
    write_atomic(UPath(tmp_path) / "a.csv", b"whole")
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]
