"""The notebook under ``examples/`` runs from its first cell to its last, without a network."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import black
import pandas as pd
import pytest

NOTEBOOK = Path(__file__).parents[1] / "examples" / "from_clips_to_answer.ipynb"

# Of this process and of every Python that it starts: nothing beyond this machine can be reached.
NO_NETWORK = """
import socket

_connect = socket.socket.connect


def _only_here(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1"):
        raise OSError(f"the test allows no connection to {address}")
    return _connect(self, address)


socket.socket.connect = _only_here
"""


def notebook() -> dict[str, Any]:
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def code_cells() -> dict[str, str]:
    """The code of the notebook by the name of its cell."""
    cells = notebook()["cells"]
    return {cell["id"]: "".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"}


def test_the_notebook_is_of_the_format_that_every_editor_opens() -> None:
    content = notebook()
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    assert content["metadata"]["kernelspec"]["name"] == "python3"
    ids = [cell["id"] for cell in content["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in content["cells"]:
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", cell["id"])
        expected = {"cell_type", "id", "metadata", "source"}
        if cell["cell_type"] == "code":
            # Committed without outputs, which would be those of an earlier version.
            assert cell["outputs"] == [] and cell["execution_count"] is None
            expected |= {"outputs", "execution_count"}
        assert set(cell) == expected


@pytest.mark.parametrize("name", list(code_cells()))
def test_cells_are_formatted_as_all_other_code_is(name: str) -> None:
    code = code_cells()[name]
    mode = black.Mode(line_length=100, target_versions={black.TargetVersion.PY311})
    assert black.format_str(code, mode=mode) == f"{code}\n"


@pytest.mark.slow
def test_the_notebook_leads_from_clips_to_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_NETWORK)
    paths = [str(tmp_path), str(NOTEBOOK.parents[1]), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    monkeypatch.setattr(socket.socket, "connect", socket.socket.connect)
    exec(NO_NETWORK, {})
    with pytest.raises(OSError, match="the test allows no connection"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    connect = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    started = subprocess.run([sys.executable, "-c", connect], capture_output=True, text=True)
    assert "the test allows no connection" in started.stderr
    monkeypatch.chdir(tmp_path)

    names: dict[str, Any] = {}
    for name, code in code_cells().items():
        exec(compile(code, f"{NOTEBOOK.name}, cell {name}", "exec"), names)

    answers = names["answers"]
    assert answers["species"].tolist() == ["bullfrog"]
    assert answers["model"].isin(["birdnet", "svm"]).all()
    assert answers["next"].str.len().gt(20).all()
    assert isinstance(names["recomputed"], pd.DataFrame) and len(names["recomputed"]) >= 3
    assert names["other"]["mean"].notna().any()
    folder = tmp_path / "from-clips-to-answer" / "results"
    assert (folder / "chart.svg").read_text().startswith("<svg")
    assert (folder / "report" / "index.html").is_file()
    assert "recordings per class, for example" in capsys.readouterr().out
