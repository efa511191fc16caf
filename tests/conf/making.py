"""Build a Conf, or the problems of one, in one line."""

from __future__ import annotations

from typing import Any

from djq_core.conf import Conf, Problem

KEY = "the key of this test"


def conf(q_cluster: Any = None, /, **keys: Any) -> Conf:
    """Return the Conf of a Q_CLUSTER with these keys."""
    return Conf.from_settings({**(q_cluster or {}), **keys}, secret_key=KEY)


def problems(q_cluster: Any = None, /, **keys: Any) -> list[Problem]:
    """Return the problems of a Q_CLUSTER with these keys."""
    return Conf.problems({**(q_cluster or {}), **keys}, secret_key=KEY)


def found(*args: Any, **keys: Any) -> list[tuple[str, str]]:
    """Return code and key of each problem."""
    return [(problem.code, problem.key) for problem in problems(*args, **keys)]
