"""CI fails on a failure, on a skip that is not allowed, and when no test ran."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "check_skips.py"

PASSED = '<testcase classname="a" name="passes"/>'
SKIPPED = '<testcase classname="a" name="s"><skipped message="no GPU"/></testcase>'
XFAILED = (
    '<testcase classname="a" name="x"><skipped type="pytest.xfail" message="known"/></testcase>'
)
FAILED = '<testcase classname="a" name="f"><failure message="wrong"/></testcase>'
ONE_SKIP = "1 passed, 0 failed, 1 skipped"
BROKEN = '<testcase classname="a" name="e"><error message="setup"/></testcase>'


@pytest.mark.parametrize(
    ("cases", "allowed", "code", "last_line"),
    [
        pytest.param([PASSED, XFAILED], "", 0, "2 passed, 0 failed, 0 skipped", id="clean"),
        pytest.param([PASSED, SKIPPED], "", 1, ONE_SKIP, id="skip"),
        pytest.param([PASSED, SKIPPED], "# why\nno .PU\n", 0, ONE_SKIP, id="ok"),
        pytest.param([PASSED, SKIPPED], "# no GPU\n\n", 1, ONE_SKIP, id="comment"),
        pytest.param([PASSED, FAILED], "", 1, "1 passed, 1 failed, 0 skipped", id="failure"),
        pytest.param([PASSED, BROKEN], "", 1, "1 passed, 1 failed, 0 skipped", id="error"),
        pytest.param([], "", 1, "0 passed, 0 failed, 0 skipped", id="nothing"),
    ],
)
def test_the_exit_code_and_the_last_line_say_what_happened(
    tmp_path: Path, cases: list[str], allowed: str, code: int, last_line: str
) -> None:
    report, allow_list = tmp_path / "tests.xml", tmp_path / "allowed"
    report.write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
    allow_list.write_text(allowed)
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(report), str(allow_list)], capture_output=True, text=True
    )
    assert done.returncode == code, done.stderr
    assert done.stdout.splitlines()[-1] == last_line


def test_reports_are_counted_together_and_none_may_be_empty(tmp_path: Path) -> None:
    allow_list = tmp_path / "allowed"
    allow_list.write_text("no GPU")
    reports = []
    for name, cases in {"first": [PASSED], "second": [PASSED, SKIPPED], "empty": []}.items():
        reports.append(tmp_path / name)
        reports[-1].write_text(f"<testsuite>{''.join(cases)}</testsuite>")
    for given, code in ((reports[:2], 0), (reports, 1)):
        done = subprocess.run(
            [sys.executable, str(SCRIPT), *map(str, given), str(allow_list)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stderr
        assert done.stdout.splitlines()[-1] == "2 passed, 0 failed, 1 skipped"
