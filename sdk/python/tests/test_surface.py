"""What the package offers."""

from __future__ import annotations

import re
from importlib import resources

import chaoschain
from chaoschain import _errors


def test_all_names_everything_public_and_nothing_else() -> None:
    public = {name for name in vars(chaoschain) if not name.startswith("_")}
    assert public == set(chaoschain.__all__)
    assert sorted(chaoschain.__all__) == [
        "DigestError",
        "Error",
        "Interval",
        "ManifestError",
        "Metric",
        "MissingExtraError",
        "ProgramError",
        "SchemaError",
        "SelectionError",
        "Study",
        "StudyError",
        "run",
    ]


def test_the_drawn_tree_of_errors_is_the_real_one() -> None:
    drawn: list[tuple[int, str]] = [
        (len(match[1]), match[2])
        for match in re.finditer(r"^    ([│├└─ ]*)(\w+)", _errors.__doc__ or "", re.MULTILINE)
    ]
    parents = {}
    above: list[tuple[int, str]] = []
    for depth, name in drawn:
        above = [entry for entry in above if entry[0] < depth]
        parents[name] = above[-1][1] if above else "Exception"
        above.append((depth, name))
    real = {
        name: value.__base__.__name__
        for name, value in vars(_errors).items()
        if isinstance(value, type) and value.__base__ is not None
    }
    assert parents == real


def test_the_package_says_that_it_is_typed() -> None:
    assert resources.files("chaoschain").joinpath("py.typed").is_file()
