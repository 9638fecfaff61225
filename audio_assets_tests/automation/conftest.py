"""The sensors over a place of their own, before their first tick and when all was made once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from audio_assets.reporting.charts import render
from audio_assets_tests.automation.ticks import SETTINGS, Automation, Ran
from audio_assets_tests.place import new_place
from audio_assets_tests.small_audio import write_species


@pytest.fixture(scope="module")
def no_drawing() -> Iterator[None]:
    """Charts in name only: drawing takes longer than all the rest, and is tested elsewhere."""
    drawn = render.RenderedChart(html="<p>", svg="<svg>", png=b"PNG", json="{}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(render, "render", lambda chart: drawn)
        patch.setattr(render, "preview_png", lambda chart: b"PNG")
        yield


@pytest.fixture
def automation(tmp_path: Path) -> Iterator[Automation]:
    """The sensors over one species, owl, before their first tick."""
    with new_place(tmp_path) as place:
        write_species(place.audio, "owl", recordings=4)
        yield Automation(place, dict(SETTINGS))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Automation, list[Ran]]]:
    """The same with owl and fox, when everything was made once, and what was."""
    with new_place(tmp_path_factory.mktemp("filled")) as place:
        for species in ("owl", "fox"):
            write_species(place.audio, species, recordings=4)
        automation = Automation(place, dict(SETTINGS))
        yield automation, automation.settle()


@pytest.fixture
def filled(shared: tuple[Automation, list[Ran]]) -> Automation:
    """Owl and fox at rest under the usual settings, whatever the tests before have changed."""
    automation, _ = shared
    automation.settings = dict(SETTINGS)
    automation.settle()
    return automation
