"""What runs and sensors leave in logs: no secret, and JSON where it is asked for."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

import audio_assets
from audio_assets.definitions import build_defs
from audio_assets.settings import Settings, load_settings
from audio_assets_tests.automation.test_webhook import SECRET, Hook, hook  # noqa: F401
from audio_assets_tests.bucket_server import BucketServer
from audio_assets_tests.conftest import BUCKET

PLANTED = ("planted-token", "planted-signature", "planted-key", SECRET)
# What an answer may repeat of a request.
ECHO = (
    "Bearer ya29.planted-token was refused for https://storage.example/o?X-Goog-Signature="
    "planted-signature and key=planted-key"
)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """The instance of ``dagster.yaml``: events in SQLite, output of runs in files."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(Path(audio_assets.__file__).parents[1] / "dagster.yaml", home)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        instance.add_dynamic_partitions("species", ["owl"])
        yield instance


def run_inventory(settings: Settings, instance: dg.DagsterInstance) -> None:
    """One run that fails, and the sensor told of it."""
    defs = build_defs(settings)
    result = defs.resolve_job_def("inventory").execute_in_process(
        instance=instance, partition_key="owl", raise_on_error=False
    )
    assert not result.success
    context = dg.build_run_status_sensor_context(
        sensor_name="failed_runs",
        dagster_instance=instance,
        dagster_run=instance.get_run_by_id(result.run_id),
        dagster_event=next(event for event in result.all_events if event.is_run_failure),
    )
    defs.resolve_sensor_def("failed_runs")(context.for_run_failure())


@pytest.mark.slow
def test_no_secret_is_in_any_log_of_a_failed_run_and_each_line_of_json_is_an_object(
    bucket_server: BucketServer,
    instance: dg.DagsterInstance,
    hook: Hook,  # noqa: F811
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
):
    bucket_server.fail(403, times=-1, message=ECHO)
    hook.status = 500
    settings = load_settings(
        audio_root=f"gs://{BUCKET}/audio",
        results_root=str(tmp_path / "results"),
        models=("placeholder",),
        duplicate_encoder="",
        webhook_url=hook.url,
        log_format="json",
    )
    run_inventory(settings, instance)

    (posted,) = hook.got
    assert "may not be listed (403)" in posted["text"]
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    events = [path for path, data in files.items() if b"may not be listed" in data]
    assert any(path.suffix == ".db" for path in events)
    said = "".join(capfd.readouterr())
    assert "may not be listed" in said and "not posted: the webhook answered 500" in said
    for secret in PLANTED:
        assert secret not in said and secret not in str(posted)
        assert [path for path, data in files.items() if secret.encode() in data] == []

    output = [path for path in files if path.suffix in (".err", ".out") and files[path]]
    lines = [line for path in output for line in files[path].decode().splitlines()]
    assert len(lines) >= 3
    assert all(isinstance(json.loads(line), dict) for line in lines)
