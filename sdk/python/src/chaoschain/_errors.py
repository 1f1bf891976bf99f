"""What can go wrong.

::

    Error
    ├── StudyError            the folder is not a study that can be trusted
    │   ├── ManifestError     manifest.json is absent, damaged, or of an unknown format
    │   ├── DigestError       a file is not the one that the manifest names
    │   └── SchemaError       a table has other columns or rows than expected
    ├── SelectionError        no row, or rows of several kinds, for what was asked
    ├── MissingExtraError     an optional package is not installed
    └── ProgramError          the chaoschain program is absent, failed, or ran out of time
"""


class Error(Exception):
    """The base of all errors of this package."""


class StudyError(Error):
    """The folder is not a study that can be trusted."""


class ManifestError(StudyError):
    """``manifest.json`` is absent, damaged, or of an unknown format."""


class DigestError(StudyError):
    """A file is not the one that the manifest names."""


class SchemaError(StudyError):
    """A table has other columns or rows than expected."""


class SelectionError(Error):
    """No row, or rows of several kinds, for what was asked."""


class MissingExtraError(Error):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; `pip install chaoschain[{extra}]` adds it")


class ProgramError(Error):
    """The ``chaoschain`` program is absent, failed, or ran out of time.

    ``exit_code`` is what it ended with, ``None`` when it did not run to its end.
    """

    def __init__(self, message: str, exit_code: int | None = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code
