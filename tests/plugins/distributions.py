"""Tiny real distributions: a module and its metadata in a folder of their own."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

from importlib_metadata import EntryPoint, distributions

from djq_core.conf import Conf

_NUMBERS = itertools.count(1)


@dataclass
class Site:
    """A folder that distributions are installed in."""

    folder: Path
    modules: list[str] = field(default_factory=list)

    def install(
        self,
        distribution: str,
        source: str = "",
        *,
        entry: str = "",
        version: str = "1.0",
        attribute: str = "",
        group: str = "djq",
    ) -> str:
        """Install a distribution with one module and one entry point, and return the module's name."""
        entry = entry or distribution.removeprefix("djq-")
        module = f"installed_{next(_NUMBERS)}_{distribution.replace('-', '_')}"
        (self.folder / f"{module}.py").write_text(dedent(source))
        target = f"{module}:{attribute}" if attribute else module
        self.describe(distribution, version, group, {entry: target})
        self.modules.append(module)
        return module

    def describe(self, distribution: str, version: str, group: str, entries: Mapping[str, str]) -> None:
        """Write the metadata of a distribution."""
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        lines = [f"{name} = {target}" for name, target in entries.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))

    @property
    def entry_points(self) -> list[EntryPoint]:
        """What is installed in the folder, and nowhere else."""
        found = distributions(path=[str(self.folder)])
        return [entry for dist in found for entry in dist.entry_points]


@contextmanager
def site_at(folder: Path) -> Iterator[Site]:
    """Make a folder importable for a while."""
    site = Site(folder)
    sys.path.insert(0, str(folder))
    try:
        yield site
    finally:
        sys.path.remove(str(folder))
        for module in site.modules:
            sys.modules.pop(module, None)


def conf_of(**keys: Any) -> Conf:
    """Return the configuration of a ``Q_CLUSTER``."""
    return Conf.from_settings(keys, secret_key="the tests' own key")


def broker_source(name: str, *keys: str, choosing: tuple[str, ...] = ()) -> str:
    """Return the source of a plugin with one broker."""
    return f"""
from djq_core import hookimpl
from djq_core.brokers import Broker

class Offered(Broker):
    name = {name!r}
    conf_keys = {keys!r}
    choosing_keys = {choosing!r}
    supports_receipts = True
    max_bulk = 10

@hookimpl
def djq_register_brokers():
    return [Offered]
"""
