"""What is delivered: no secret in the repository, a licence for every package that the lock brings."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, metadata

from dagster_project.settings import PROJECT_ROOT
from tests.contracts.test_code_rules import tracked_files

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


def test_every_package_of_the_lock_has_a_free_licence() -> None:
    lock = (PROJECT_ROOT / "requirements.lock").read_text(encoding="utf-8")
    names = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==", lock, re.MULTILINE)
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
