"""The keys of the plugin."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from djq_acme.broker import AcmeBroker
from djq_acme.options import AcmeOptions
from djq_core.exceptions import ConfigurationError

FILE = "/var/lib/mysite/queue.sqlite3"


def read(**acme: Any) -> AcmeOptions:
    options = AcmeBroker.read_options({"acme": acme})
    assert pickle.loads(pickle.dumps(options)) == options, "a process that is started anew gets them so"
    return options


@pytest.mark.parametrize("file", [FILE, Path(FILE)])
def test_a_path_is_all_it_takes(file: object) -> None:
    assert read(file=file) == AcmeOptions(file=FILE, timeout=5.0)


@pytest.mark.parametrize("seconds", [0.5, 20, 3600])
def test_the_timeout_is_in_seconds(seconds: float) -> None:
    assert read(file=FILE, timeout=seconds).timeout == seconds


@pytest.mark.parametrize("seconds", [0, -1, 3601, float("nan"), "5", True, None])
def test_a_timeout_is_a_number_above_0(seconds: object) -> None:
    with pytest.raises(ConfigurationError, match=r"\['timeout'\] is .*; it takes a number of seconds above 0"):
        read(file=FILE, timeout=seconds)


@pytest.mark.parametrize("file", ["queue.sqlite3", Path("queue.sqlite3"), ":memory:", "", 1, None])
def test_a_path_that_depends_on_the_folder_is_refused(file: object) -> None:
    with pytest.raises(ConfigurationError, match=r"\['file'\] is .*; it takes an absolute path, such as BASE_DIR /"):
        read(file=file)


@pytest.mark.parametrize("keys", [{}, {"acme": None}, {"acme": FILE}, {"acme": [FILE]}])
def test_what_is_no_dictionary_is_told_with_one(keys: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"it takes a dictionary: \{'file': BASE_DIR / 'queue\.sqlite3'\}"):
        AcmeBroker.read_options(keys)


def test_a_misspelt_name_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match=r"has 'flie', which djq-acme does not know\. Did you mean 'file'\?"):
        read(flie=FILE)
    with pytest.raises(ConfigurationError, match=r"has 'port', which djq-acme does not know\. It takes: file, timeout"):
        read(file=FILE, port=1)
