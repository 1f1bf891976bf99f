"""The manifest of a study: which files belong to it, by digest."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ._errors import DigestError, ManifestError

MANIFEST = "manifest.json"
RESULT = "result.json"
FORMAT = "chaoschain-study-manifest/1"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def digest_of(data: bytes) -> str:
    """SHA-256 as ChaosChain spells it: ``sha256:`` and 64 lower-case hexadecimal digits."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Manifest:
    """What ``manifest.json`` says."""

    result_digest: str
    """The digest of the result, which two runs of one experiment must agree on."""
    files: dict[str, str]
    """The digest of each file, by its name relative to the study's folder."""

    def read(self, directory: Path, name: str) -> bytes:
        """Read a file whose bytes are those that the manifest names."""
        expected = self._expected(name)
        path = directory / name
        try:
            data = path.read_bytes()
        except OSError as error:
            message = f"{path} belongs to the study and cannot be read: {error.strerror}"
            raise DigestError(message) from error
        found = digest_of(data)
        if found != expected:
            message = f"{path} was changed: expected {expected}, found {found}"
            raise DigestError(message)
        return data

    def _expected(self, name: str) -> str:
        if name in self.files:
            return self.files[name]
        if name == RESULT:
            return self.result_digest
        message = f"{MANIFEST} does not name {name}"
        raise ManifestError(message)


def read_manifest(directory: Path) -> Manifest:
    """Read the manifest of the study in ``directory``."""
    path = directory / MANIFEST
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{directory} is not a study: {MANIFEST} cannot be read"
        raise ManifestError(message) from error
    try:
        return parse_manifest(text)
    except ManifestError as error:
        message = f"{path}: {error}"
        raise ManifestError(message) from error


def parse_manifest(text: str) -> Manifest:
    """Parse the text of a manifest."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"expected JSON: {error}"
        raise ManifestError(message) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = document.get("format") if isinstance(document, dict) else type(document).__name__
        message = f"expected the format {FORMAT!r}, found {found!r}"
        raise ManifestError(message)
    files = document.get("files")
    if not isinstance(files, dict):
        message = f"expected an object `files`, found {type(files).__name__}"
        raise ManifestError(message)
    for name in files:
        _ensure_inside(name)
    return Manifest(
        result_digest=_digest("result_digest", document.get("result_digest")),
        files={name: _digest(name, digest) for name, digest in files.items()},
    )


def _digest(name: str, value: Any) -> str:  # noqa: ANN401, what JSON held
    if isinstance(value, str) and _DIGEST.fullmatch(value):
        return value
    message = f"{name}: expected `sha256:` and 64 hexadecimal digits, found {value!r}"
    raise ManifestError(message)


def _ensure_inside(name: str) -> None:
    """Refuse a name that could lie outside the study's folder on any system."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or re.search(r"[\\:\0]", name):
        message = f"expected the name of a file inside the study's folder, found {name!r}"
        raise ManifestError(message)
