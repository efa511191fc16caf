"""What a node is started with: the lines of a Disque configuration that the stand-in knows, as ``--name value``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """``cluster_node_timeout`` is in milliseconds, ``maxmemory`` in bytes, 0 for no limit."""

    port: int
    dir: Path
    requirepass: str = ""
    appendonly: bool = False
    aof_enqueue_jobs_once: bool = False
    cluster_node_timeout: int = 15_000
    maxmemory: int = 0


def read(words: Sequence[str]) -> Settings:
    """Return the settings of a command line."""
    given = {name[2:].replace("-", "_"): value for name, value in zip(words[::2], words[1::2], strict=True)}
    kinds: dict[str, Any] = {"bool": lambda text: text == "yes", "int": int, "Path": Path, "str": str}
    known = {field.name: kinds[str(field.type)] for field in fields(Settings)}
    return Settings(**{name: known[name](value) for name, value in given.items()})
