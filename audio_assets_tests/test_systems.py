"""What the package uses has to be there on Linux, macOS and Windows."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import audio_assets

PACKAGE = Path(audio_assets.__file__).parent
TESTS = Path(__file__).parent
# It asks which system it is on before it uses them.
ALLOWED = PACKAGE / "objects" / "systems.py"
MODULES = {"fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty", "msvcrt", "winreg"}
IN_OS = {
    # Windows refuses while a reader has the file open: systems.replace_file waits.
    "replace",
    *("O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_TMPFILE", "chown", "chroot"),
    *("fchmod", "fchown", "fork", "forkpty", "getegid", "geteuid", "getgid", "getgroups"),
    *("getloadavg", "getpgid", "getpgrp", "getsid", "getuid", "kill", "killpg", "lchown"),
    *("mkfifo", "nice", "posix_spawn", "pread", "preadv", "pwrite", "pwritev", "register_at_fork"),
    *("sched_getaffinity", "sched_setaffinity", "sched_yield", "sendfile", "setegid", "seteuid"),
    *("setgid", "setpgid", "setsid", "setuid", "statvfs", "sync", "umask", "uname", "wait3"),
    *("wait4", "waitid", "WNOHANG", "WIFSIGNALED", "WTERMSIG"),
}
IN_SIGNAL = {
    *("SIGALRM", "SIGCHLD", "SIGCONT", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGSTOP"),
    *("SIGTSTP", "SIGUSR1", "SIGUSR2", "alarm", "pause", "pthread_kill", "pthread_sigmask"),
    *("setitimer", "sigwait", "siginterrupt"),
}
ARGUMENTS = {"pass_fds", "preexec_fn", "start_new_session", "process_group"}


def found_in(source: str) -> list[str]:
    """Names that not all systems have, or not alike, and that a module uses anywhere."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").split(".")[0] in MODULES:
                found.append(str(node.module))
            names = {"os": IN_OS, "signal": IN_SIGNAL}.get(node.module or "", set())
            found += [f"{node.module}.{a.name}" for a in node.names if a.name in names]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in {"os": IN_OS, "signal": IN_SIGNAL}.get(node.value.id, set()):
                found.append(f"{node.value.id}.{node.attr}")
        elif isinstance(node, ast.keyword) and node.arg in ARGUMENTS:
            found.append(str(node.arg))
    return found


def without_encoding(source: str) -> list[int]:
    """Lines that open a text file in the encoding of the system, which Windows has another of."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or any(k.arg == "encoding" for k in node.keywords):
            continue
        function = node.func
        if isinstance(function, ast.Name) and function.id == "open":
            mode = [*node.args[1:2], *(k.value for k in node.keywords if k.arg == "mode")]
            binary = any(isinstance(m, ast.Constant) and "b" in str(m.value) for m in mode)
            if not binary:
                lines.append(node.lineno)
        elif isinstance(function, ast.Attribute):
            least = {"read_text": 1, "write_text": 2}.get(function.attr)
            if least is not None and len(node.args) < least:
                lines.append(node.lineno)
    return lines


def test_one_module_alone_uses_what_other_systems_lack():
    found = {
        str(path.relative_to(PACKAGE)): names
        for path in PACKAGE.rglob("*.py")
        if path != ALLOWED and (names := found_in(path.read_text("utf-8")))
    }
    assert found == {}
    assert found_in(ALLOWED.read_text("utf-8"))


@pytest.mark.parametrize(
    "source",
    [
        "import fcntl",
        "def f():\n    from resource import getrusage",
        "import os\ndef f(): os.kill(1, 0)",
        "from os import fork",
        "import signal\nsignal.SIGKILL",
        "run(x, preexec_fn=None)",
        "import os\nos.replace(a, b)",
    ],
)
def test_use_in_a_function_is_found_too(source):
    assert len(found_in(source)) == 1


def test_text_files_are_opened_in_a_named_encoding():
    found = {
        str(path.relative_to(PACKAGE)): lines
        for path in PACKAGE.rglob("*.py")
        if (lines := without_encoding(path.read_text("utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize("call", ["open(p)", "open(p, 'w')", "p.read_text()", "p.write_text(t)"])
def test_a_missing_encoding_is_found(call):
    assert without_encoding(call) == [1]


def test_the_package_is_imported_where_posix_modules_are_missing():
    # As on Windows: none of its own modules asks for them. Libraries have theirs guarded.
    code = f"""
import sys
for name in {sorted(MODULES)!r}:
    sys.modules[name] = None
import audio_assets.objects.file_lock, audio_assets.objects.files, audio_assets.results.run_lock
import audio_assets.embeddings.worker_pool, audio_assets.encoders.librosa_runtime
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def unmarked(source: str) -> list[str]:
    """Tests of a module that use what Windows lacks and are not marked ``posix``."""
    tree = ast.parse(source)
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            if "pytest.mark.posix" in ast.unparse(node.value):
                return []
    return [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and not any("mark.posix" in ast.unparse(one) for one in node.decorator_list)
        and set(found_in(ast.unparse(node))) - {"os.replace"}
    ]


def test_tests_that_windows_cannot_run_say_so():
    found = {
        str(path.relative_to(TESTS)): names
        for path in TESTS.rglob("test_*.py")
        if (names := unmarked(path.read_text("utf-8")))
    }
    assert found == {}


def test_a_missing_mark_is_found():
    source = "def test_x():\n    os.kill(1, 9)\n"
    assert unmarked(source) == ["test_x"]
    assert unmarked("@pytest.mark.posix\n" + source) == []
    assert unmarked("pytestmark = [pytest.mark.slow, pytest.mark.posix]\n" + source) == []
    assert unmarked("def test_x():\n    os.replace(a, b)\n") == []


@pytest.mark.posix
def test_no_test_is_skipped_here_for_what_windows_lacks():
    assert sys.platform != "win32"
