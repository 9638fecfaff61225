import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from audio_assets.reporting.charts.embed import content_policy, script_json, vega_bundle
from audio_assets.reporting.charts.learning_curve import learning_curve_chart
from audio_assets.reporting.charts.render import RenderedChart, render
from audio_assets_tests.reporting.fake_results import THREE, fake_curves


@pytest.fixture(scope="module")
def rendered() -> RenderedChart:
    return render(learning_curve_chart(fake_curves(), species="coyote", models=THREE))


def test_equal_charts_give_equal_bytes(rendered):
    again = render(learning_curve_chart(fake_curves(), species="coyote", models=THREE))
    assert again == rendered


PROGRAM = """
import hashlib
from audio_assets.reporting.charts.learning_curve import learning_curve_chart
from audio_assets.reporting.charts.render import render
from audio_assets_tests.reporting.fake_results import THREE, fake_curves
r = render(learning_curve_chart(fake_curves(), species="coyote", models=THREE))
print(hashlib.sha256(repr((r.html, r.svg, r.png, r.json)).encode()).hexdigest())
"""


@pytest.mark.slow
def test_another_process_with_other_hashes_gives_equal_bytes(rendered):
    r = rendered
    digest = hashlib.sha256(repr((r.html, r.svg, r.png, r.json)).encode()).hexdigest()
    out = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert out.stdout.strip() == digest


def test_each_format_is_what_it_says(rendered):
    assert rendered.png.startswith(b"\x89PNG\r\n")
    assert rendered.svg.startswith("<svg")
    assert "BirdNET 2.4: 0.979" in rendered.svg
    assert json.loads(rendered.json)["$schema"].startswith(
        "https://vega.github.io/schema/vega-lite"
    )
    assert rendered.html.startswith("<!DOCTYPE html>")


def test_the_page_holds_vega_and_refers_to_nothing_outside(rendered):
    assert len(rendered.html) > 500_000
    own = rendered.html.replace(vega_bundle(), "")
    assert len(own) < 100_000
    references = re.findall(r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=(\S+?)>", own)
    assert references == ['"data:,"']


def test_no_text_can_leave_its_script_element():
    text = script_json(json.dumps({"a": "</script><!-- & \u2028"}))
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"a": "</script><!-- & \u2028"}


def test_a_title_with_markup_stays_text():
    evil = "</script><script>window.hacked = 1</script>"
    chart = learning_curve_chart(fake_curves(), species="coyote", models={**THREE, "birdnet": evil})
    assert evil not in render(chart).html


def test_the_policy_names_scripts_by_digest_and_loads_nothing():
    policy = content_policy(["alert(1)"])
    digest = "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"
    assert digest in policy
    assert "default-src 'none'" in policy
    assert "script-src 'unsafe-inline'" not in policy
