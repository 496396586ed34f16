"""Reads the YAML files that operators write for the API and for bridges."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from streams.errors import ConfigurationError

T = TypeVar("T")

_VARIABLE = re.compile(r"\$\{(\w+)\}")


def read_yaml(path: Path, kind: type[T]) -> T:
    """Return what a file holds; `${NAME}` in a value is what the environment has under that name.

    Raises:
        ConfigurationError: It can't be read, isn't YAML, doesn't fit, or names a variable that isn't set.
    """
    try:
        value = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path}: can't be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: no YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise _too_deep(path) from error
    try:
        return msgspec.convert(_filled(value, path), kind)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{path}: {error}") from error
    except RecursionError as error:
        raise _too_deep(path) from error


def _too_deep(path: Path) -> ConfigurationError:
    return ConfigurationError(f"{path}: nests too deeply, or in itself")


def _filled(value: Any, path: Path) -> Any:
    if isinstance(value, dict):
        return {name: _filled(each, path) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, path) for each in value]
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: _variable(found[1], path), value)
    return value


def _variable(name: str, path: Path) -> str:
    value = os.environ.get(name)
    if value is None:
        raise ConfigurationError(
            f"{path}: the environment has no variable {name}, which ${{{name}}} asks for"
        )
    return value
