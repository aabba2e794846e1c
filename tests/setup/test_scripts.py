"""The scripts' parts that can go wrong quietly."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHELL_SCRIPTS = [
    *(ROOT / "script" / name for name in ("bootstrap", "server", "test")),
    *sorted((ROOT / "script" / "lib").glob("*.sh")),
    ROOT / ".ci" / "run",
]
LOCK_FILES = ["requirements.txt", "requirements-dev.txt", "requirements-tools.txt"]


def _bash(command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    libraries = "; ".join(f". script/lib/{name}.sh" for name in ("steps", "system", "python", "assets"))
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{libraries}; {command}"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nowhere"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _program(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("script", SHELL_SCRIPTS, ids=lambda path: path.name)
def test_shell_scripts_parse(script: Path) -> None:
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0


@pytest.mark.parametrize("name", LOCK_FILES)
def test_lock_files_name_no_host_and_hash_every_package(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links|--trusted-host", text.replace("--no-emit", ""))
    pins = re.findall(r"^[a-z0-9][^\n]*==[^\n]*\\\n(    --hash=sha256:[0-9a-f]{64})", text, flags=re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[a-z0-9]", text, flags=re.MULTILINE)) > 0


def test_development_lock_agrees_with_the_programs_own() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9][\w.-]*==\S+", (ROOT / name).read_text(), flags=re.MULTILINE))

    assert pins("requirements.txt") <= pins("requirements-dev.txt")


def test_npm_lock_names_no_host() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert all("integrity" in package for name, package in packages.items() if name)


def test_python_that_refuses_to_run_is_passed_over(tmp_path: Path) -> None:
    _program(tmp_path / "shims" / "python3.13", "echo 'not in this pyenv version' >&2", "exit 127")
    good = _program(tmp_path / "pyenv" / "versions" / "3.13.9" / "bin" / "python3", f'exec {sys.executable} "$@"')
    found = _bash('find_python "$WANTED"', PATH=f"{tmp_path / 'shims'}:/bin", PYENV_ROOT=str(tmp_path / "pyenv"))
    assert found.stdout.strip() == str(good)


def test_too_old_python_is_passed_over(tmp_path: Path) -> None:
    _program(
        tmp_path / "python3", f'[ "$1" = -c ] && [ -z "${{2##*version_info*}}" ] && exit 1; exec {sys.executable} "$@"'
    )
    found = _bash(f'python_candidates() {{ echo {tmp_path / "python3"}; }}; find_python "$WANTED"')
    assert (found.returncode, found.stdout) == (1, "")


def test_a_failing_step_shows_the_end_of_its_output_and_stops(tmp_path: Path) -> None:
    run = _bash(f"LOG={tmp_path / 'log'}; step Trying bash -c 'echo the reason; exit 3'; echo went on")
    assert run.returncode == 1
    assert "Trying ... failed" in run.stdout
    assert "the reason" in run.stderr
    assert "went on" not in run.stdout


def test_without_rights_the_command_for_an_administrator_is_named(tmp_path: Path) -> None:
    _program(tmp_path / "apt-get", "exit 0")
    rights = "id() { echo 1000; }; sudo() { return 1; }; "
    run = _bash(
        f'{rights} apt_install "the Python module venv" python3-venv </dev/null', PATH=f"{tmp_path}:/usr/bin:/bin"
    )
    assert run.returncode == 1
    assert "An administrator has to run:  apt-get install python3-venv" in run.stderr


def test_a_stamp_holds_only_for_the_same_files(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("one\n")
    check = f"stamped thing {lock}"
    made = subprocess.run(
        [
            "bash",
            "-c",
            f". {ROOT}/script/lib/python.sh; stamp thing {lock}; {check} && echo same;"
            f" echo two >{lock}; {check} || echo other",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout.split() == ["same", "other"]


def test_a_locked_tool_is_taken_with_its_hashes_only(tmp_path: Path) -> None:
    run = _bash('lock=/dev/stdout; sed -n "/^uv==/,/^[^ #]/{/^uv==/p;/^    --hash/p}" requirements-tools.txt')
    lines = run.stdout.strip().splitlines()
    assert lines[0].startswith("uv==")
    assert all(line.startswith("    --hash=sha256:") for line in lines[1:])
    assert lines[-1].rstrip("\\ ").startswith("    --hash")


def test_without_rights_the_postgresql_packages_of_this_system_are_named(tmp_path: Path) -> None:
    _program(tmp_path / "apt-get", "exit 0")
    _program(tmp_path / "apt-cache", "echo postgresql-17-postgis-3 - Geographic objects")
    missing = "postgres_is_here() { POSTGRES_FOUND='PostgreSQL is missing'; return 1; }; may_be_root() { return 1; }; "
    run = _bash(f"{missing} ensure_postgresql", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert run.returncode == 1
    assert "has to run:  apt-get install postgresql-17 postgresql-17-postgis-3" in run.stderr


def test_a_system_that_offers_only_an_old_postgresql_is_said_so(tmp_path: Path) -> None:
    _program(tmp_path / "apt-get", "exit 0")
    _program(tmp_path / "apt-cache", "echo postgresql-14-postgis-3 - Geographic objects")
    missing = "postgres_is_here() { POSTGRES_FOUND='PostgreSQL is missing'; return 1; }; may_be_root() { return 0; }; "
    run = _bash(f"{missing} step() {{ :; }}; ensure_postgresql", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert run.returncode == 1
    assert "this system's packages offer PostgreSQL 14" in run.stderr
