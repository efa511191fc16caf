"""What is wrong or doubtful in the configuration, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong (``djq.E…``) or doubtful (``djq.W…``) in the configuration.

    ``key`` is the key of ``Q_CLUSTER`` that it is about, ``message`` says what is wrong and never shows a secret,
    ``hint`` is the remedy, empty where the message has it.
    """

    code: str
    key: str
    message: str
    hint: str = ""

    @property
    def is_error(self) -> bool:
        """Does it keep the cluster from starting?"""
        return self.code.startswith("djq.E")

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()
