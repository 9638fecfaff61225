"""axe-core over the report: what keeps people out who see, hear or point differently."""

from collections.abc import Callable
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

import pytest

from audio_assets.reporting.page.page import render_report
from audio_assets_tests.reporting.emulation import shown_as
from audio_assets_tests.reporting.fake_results import (
    calibration_frame,
    fake_answers,
    fake_map,
    fake_report,
    finding_row,
    findings_frame,
    hard_clip,
    hard_clips_frame,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE = "axe_playwright_python"
RUN = """
const done = arguments[0];
document.querySelectorAll("details").forEach((part) => { part.open = true; });
axe.run(document, { resultTypes: ["violations"] }).then(
  (found) => done(found.violations.map((rule) => [
    rule.id, rule.impact, rule.nodes.map((node) => node.html.slice(0, 300))
  ])),
  (error) => done([["axe itself", "critical", [String(error)]]])
);
"""


@pytest.fixture(scope="module")
def report() -> str:
    """A report with answers, warnings, a calibration and a map with a clip that can be played."""
    findings = [
        finding_row("leak", model="birdnet", value=0.04, ci_low=0.02, ci_high=0.06, count=107),
        finding_row(
            "confound", variant="data", subject="seconds", value=0.9, ci_low=0.8, ci_high=0.95
        )
        | {"warning": True},
        finding_row("same_recording", model="birdnet", value=0.7, auc=0.8, share=0.4, count=107)
        | {"warning": True},
    ]
    bins = [("coyote", model, p, p) for model in ("birdnet", "svm") for p in (0.2, 0.8)]
    return render_report(
        fake_report(
            findings=findings_frame(findings),
            calibration=calibration_frame(bins),
            answers=fake_answers(),
            hard_clips=hard_clips_frame(
                [hard_clip("neg", 0, clip_id=clip) for clip in fake_map()["clip_id"][:1]]
            ),
        )
    )


@pytest.fixture
def serious(chromium: Any, open_page: Callable[[str], Any]) -> Callable[..., list[Any]]:
    """Opens a page and gives its violations of serious or critical impact."""
    if find_spec(AXE) is None:
        pytest.skip("axe-core is not installed: make test does so")
    axe = (files(AXE) / "axe.min.js").read_text(encoding="utf-8")

    def find(html: str, width: int = 1200, scheme: str = "light") -> list[Any]:
        with shown_as(chromium, width, scheme):
            page = open_page(html)
            page.driver.set_script_timeout(60)
            page.driver.execute_script(axe)
            found = page.driver.execute_async_script(RUN)
        return [violation for violation in found if violation[1] in ("serious", "critical")]

    return find


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_keeps_nobody_out(serious, report, width, scheme):
    assert serious(report, width, scheme) == []


@pytest.mark.parametrize(
    "barrier, rule",
    [
        ("<img src='data:,'>", "image-alt"),
        ("<button></button>", "button-name"),
        ("<p style='color: #bbb; background: #fff'>faint</p>", "color-contrast"),
    ],
)
def test_what_keeps_people_out_is_found(serious, report, barrier, rule):
    found = serious(report.replace("<main>", f"<main>{barrier}"))
    assert [violation[0] for violation in found] == [rule]
