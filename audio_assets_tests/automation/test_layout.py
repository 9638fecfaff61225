"""What the sensor, the inventory and its check say of mistakes in the layout."""

import dagster as dg

from audio_assets_tests.automation.ticks import Automation
from audio_assets_tests.place import Place, new_place
from audio_assets_tests.small_audio import write_species

RENAME = "owl/data holds 'positive' with 2 audio files; rename it to 'pos'"


def inventory_run(place: Place) -> dg.ExecuteInProcessResult:
    automation = Automation(place)
    place.instance.add_dynamic_partitions("species", ["owl"])
    return automation.defs.resolve_job_def("inventory").execute_in_process(
        instance=place.instance, partition_key="owl", raise_on_error=False
    )


def test_the_sensor_adds_no_partition_for_a_class_or_a_folder_of_species(tmp_path):
    with new_place(tmp_path) as place:
        write_species(place.audio, "owl", recordings=1)
        write_species(place.audio / "more", "fox", recordings=1)
        (place.audio / "pos").mkdir()
        (place.audio / "pos" / "a.wav").write_bytes(b"x")
        automation = Automation(place, {"listing_max_seconds": 1})
        seen = automation.look("species_folders")
        assert [r.partition_keys for r in seen.dynamic_partitions_requests] == [["owl"]]
        automation.tick("species_folders")
        told = automation.look("species_folders").skip_message
        assert "wrong layout: more holds species folders (fox) and is not a species" in told
        assert "'pos' with 1 audio file directly" in told


def test_the_inventory_and_its_check_name_the_mistake_with_its_remedy(tmp_path):
    with new_place(tmp_path) as place:
        write_species(place.audio, "owl", recordings=1)
        (place.audio / "owl/data/pos").rename(place.audio / "owl/data/positive")
        result = inventory_run(place)
        assert result.success
        [made] = result.asset_materializations_for_node("audio_inventory")
        assert made.metadata["wrong layout"].value == RENAME
        checks = {c.check_name: c for c in result.get_asset_check_evaluations()}
        both = checks["both_classes_present"]
        assert not both.passed
        assert both.description == f"no usable clip under data/pos; {RENAME}"


def test_the_inventory_of_a_species_in_order_has_no_word_on_its_layout(tmp_path):
    with new_place(tmp_path) as place:
        write_species(place.audio, "owl", recordings=1)
        result = inventory_run(place)
        [made] = result.asset_materializations_for_node("audio_inventory")
        assert "wrong layout" not in made.metadata
