"""How species and models stand, as `audio-assets status` shows it."""

from pathlib import Path

from audio_assets.definitions import build_defs
from audio_assets.pipeline.partitions import SPECIES
from audio_assets.pipeline.stages import EXPERIMENT
from audio_assets_tests.place import new_place
from audio_assets_tests.small_audio import write_species


def test_a_run_that_is_going_on_is_noted_for_its_species_and_model_alone(tmp_path: Path) -> None:
    with new_place(tmp_path) as place:
        for name in ("fox", "owl"):
            write_species(place.audio, name, recordings=2)
        place.instance.add_dynamic_partitions(SPECIES.name or "", ["fox", "owl"])
        job = build_defs(place.plan().settings).resolve_job_def(EXPERIMENT)
        tags = {"dagster/partition": "placeholder|owl"}
        place.instance.create_run_for_job(job, tags=tags)
        fox, owl = place.status("fox", "owl")
        assert (fox.state, fox.note) == ("missing", "")
        assert (owl.state, owl.note) == ("missing", "a run is going on")


def test_audio_that_cannot_be_listed_is_failed_with_the_reason(tmp_path: Path) -> None:
    with new_place(tmp_path) as place:
        write_species(place.audio, "owl", recordings=2)
        (place.audio / "clips.csv").write_text("no,such,columns\n1,2,3\n")
        (owl,) = place.status("owl")
        assert owl.state == "failed" and "clips.csv" in owl.note
