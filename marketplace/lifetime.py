"""Processes that must not outlive the one that started them, even when that one is killed outright."""

import ctypes
import os
import signal
import sys
import threading
import time

PARENT = "MASSEFLYT_PARENT"
DEVELOPMENT = "MASSEFLYT_DEVELOPMENT"
PR_SET_PDEATHSIG = 1  # prctl(2)


def child_environment(*, development: bool = False) -> dict[str, str]:
    """What a child's environment needs for `end_with_parent` and `is_under_development`."""
    return {PARENT: str(os.getpid())} | ({DEVELOPMENT: "1"} if development else {})


def is_under_development() -> bool:
    return os.environ.get(DEVELOPMENT) == "1"


def end_with_parent() -> None:
    """Have this process end with the one named in its environment, and by its word only; where none is, do nothing."""
    parent = int(os.environ.get(PARENT, "0"))
    if not parent or parent == os.getpid():
        return
    # Ctrl-C goes to the terminal's whole group, and a web worker that is told twice to stop does not stop at all.
    if os.getsid(0) != os.getpid():
        os.setpgid(0, 0)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended before we asked
            os.kill(os.getpid(), signal.SIGTERM)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
