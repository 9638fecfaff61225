"""Fail on a skipped test whose reason is not allowed; end with a line that counts all tests."""

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def allowed_reasons(path: Path) -> list[re.Pattern[str]]:
    """Regular expressions of a file, one a line; `#` starts a comment line."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [re.compile(line) for line in lines if line and not line.startswith("#")]


def main(reports: list[Path], allow_list: Path) -> int:
    """Exit code: 0 if nothing failed, every skip is allowed and no report is empty."""
    allowed = allowed_reasons(allow_list)
    passed = failed = skipped = refused = empty = 0
    for report in reports:
        cases = list(ElementTree.parse(report).getroot().iter("testcase"))
        if not cases:
            empty += 1
            print(f"{report} holds no test")
        for case in cases:
            skip = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
            elif skip is None or skip.get("type") == "pytest.xfail":
                passed += 1
            else:
                skipped += 1
                reason = skip.get("message", "")
                if not any(pattern.search(reason) for pattern in allowed):
                    refused += 1
                    name = f"{case.get('classname')}::{case.get('name')}"
                    print(f"skip not allowed by {allow_list}: {name}: {reason}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return int(bool(failed or refused or empty or not passed))


if __name__ == "__main__":
    *given, allowed_skips = map(Path, sys.argv[1:])
    sys.exit(main(given, allowed_skips))
