"""What the nightly schedule asks for."""

import json
from pathlib import Path

import dagster as dg

from audio_assets.definitions import build_defs
from audio_assets.pipeline.probes import READ_ALL_TAG
from audio_assets.pipeline.versions import VERSIONS_TAG, code_version
from audio_assets_tests.place import new_place


def test_at_night_every_file_is_read_for_its_checksum(tmp_path: Path) -> None:
    with new_place(tmp_path) as place, dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("species", ["owl", "fox"])
        repository = build_defs(place.plan().settings).get_repository_def()
        nightly = repository.get_schedule_def("nightly_inventory")
        with dg.build_schedule_context(instance, repository_def=repository) as context:
            requests = nightly.evaluate_tick(context).run_requests or []
    assert {request.partition_key for request in requests} == {"owl", "fox"}
    assert all(request.tags[READ_ALL_TAG] == "true" for request in requests)


def test_runs_at_night_say_which_versions_they_were_asked_for_with(tmp_path: Path) -> None:
    with new_place(tmp_path) as place, dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("species", ["owl"])
        plan = place.plan()
        repository = build_defs(plan.settings).get_repository_def()
        for name, asset in (
            ("nightly_inventory", "audio_inventory"),
            ("nightly_report", "experiment_report"),
        ):
            nightly = repository.get_schedule_def(name)
            with dg.build_schedule_context(instance, repository_def=repository) as context:
                (request,) = nightly.evaluate_tick(context).run_requests or []
            assert json.loads(request.tags[VERSIONS_TAG]) == {
                asset: code_version(asset, plan.settings)
            }
