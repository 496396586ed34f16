"""The tree is the application: what is imported is what lies here, not something else of the same name."""

from pathlib import Path

import models
import rules
import streams

TREE = Path(__file__).parents[2]


def test_the_three_packages_are_those_of_this_checkout() -> None:
    """`rules` and `models` are also names on PyPI, so nothing of ours is installed."""
    for package in (models, rules, streams):
        assert package.__file__ is not None
        assert Path(package.__file__) == TREE / package.__name__ / "__init__.py"
