"""The files under ``deploy/``, as tests of several of their kinds read them."""

from pathlib import Path
from typing import Any

import yaml

from audio_assets_tests.kubernetes.chart import ROOT

DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "compose"


def documents(path: Path) -> list[dict[str, Any]]:
    return [doc for doc in yaml.safe_load_all(path.read_text()) if doc]


def exporter() -> dict[str, Any]:
    (deployment,) = documents(DEPLOY / "components/metrics/deployment.yaml")
    found: dict[str, Any] = deployment
    return found
