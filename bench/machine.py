# SPDX-License-Identifier: MIT
"""What is measured: the name of the processor, and the commit."""
import os
import platform
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def cpu_name():
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


def git(*arguments):
    return subprocess.run(["git", "-C", ROOT, *arguments], check=True,
                          capture_output=True, text=True).stdout.strip()


def commit():
    """With -dirty where tracked files differ from it. Results do not count:
    one bench writes them before the next runs."""
    changed = git("status", "--porcelain", "-uno", "--", ".", ":!results")
    return git("rev-parse", "--short", "HEAD") + ("-dirty" if changed else "")
