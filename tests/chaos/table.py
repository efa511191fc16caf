"""Make the table of the figures in the documentation from the report: ``python -m tests.chaos.table``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.chaos import record
from tests.chaos.bars import BARS, MORE
from tests.services.mongo import NX, SECANTUS

DOCS = Path(__file__).parents[2] / "docs"
REPORT = DOCS / "reliability.json"
PAGE = DOCS / "reliability.md"
BEGIN, END = "<!-- made by `make figures` -->\n", "<!-- end of what was made -->\n"

#: Figures that say something only where they are not what everybody expects.
_QUIET = frozenset({"queued", "failed", "extra hooks"})
#: Figures that the size tells already.
_TOLD = frozenset({"kills", "rounds", "blocks", "size", "point"})
_VENDORS: Mapping[str, str] = {
    "redis-list": "Redis list",
    "redis-receipts": "Redis receipts",
    "sqs": "SQS (MiniStack)",
    SECANTUS: "MongoDB (SecantusDB)",
    NX: "MongoDB (NX-27017)",
    "disque": "Disque (stand-in)",
    "ironmq": "IronMQ (stand-in)",
}
_ORDER = {scenario: place for place, scenario in enumerate(BARS)}


def table(records: Sequence[Mapping[str, Any]]) -> str:
    """Return the figures as Markdown: a table for each scenario."""
    ordered = sorted(records, key=lambda each: (_ORDER[each["scenario"]], each["test"]))
    parts = [_head(ordered)]
    parts += [_scenario(name, list(group)) for name, group in groupby(ordered, key=lambda each: each["scenario"])]
    return "\n".join(parts)


def page(text: str, records: Sequence[Mapping[str, Any]]) -> str:
    """Return the page with what is between the markers made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(records)}\n{END}{after}"


def _head(records: Sequence[Mapping[str, Any]]) -> str:
    held = sum(bool(each["held"]) for each in records)
    servers = _distinct(each["server"] for each in records)
    pythons = _distinct(each["python"] for each in records)
    cores = _distinct(str(each["cores"]) for each in records)
    missing = ", ".join(name for name in BARS if name not in {each["scenario"] for each in records})
    rest = f" Not run yet: {missing}." if missing else ""
    return f"{held} of {len(records)} held, on Python {pythons}, {cores} cores, {servers}.{rest}\n"


def _scenario(name: str, records: Sequence[Mapping[str, Any]]) -> str:
    title = "Beyond these" if name == MORE else name
    lines = [f"### {title}", "", f"Bar: {BARS[name]}.", ""]
    rows = _cases(records) if record.is_of_security(name) else _runs(records, is_told=name == MORE)
    return "\n".join([*lines, *rows, "", *_commands(records), ""])


def _cases(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a row for each test of a figure of security, with the number of its cases."""
    rows = ["| what | cases | found | held |", "|---|---|---|---|"]
    for test, group in groupby(records, key=lambda each: str(each["test"]).partition("[")[0]):
        cases = list(group)
        found = "; ".join(dict.fromkeys(text for each in cases if (text := _found(each["figures"]))))
        held = all(each["held"] for each in cases)
        rows.append(f"| {_what(test, 2)} | {len(cases)} | {found} | {'yes' if held else '**no**'} |")
    return rows


def _runs(records: Sequence[Mapping[str, Any]], *, is_told: bool) -> list[str]:
    """Return a row for each run, ``is_told`` where each says what it shows, for what has no figure of its own."""
    heads = ["| what " if is_told else "", "|---" if is_told else ""]
    rows = [(f"| {_what(str(each['test']), 1)} " if is_told else "") + _row(each) for each in records]
    return [f"{heads[0]}| on | size | found | seed | held |", f"{heads[1]}|---|---|---|---|---|", *rows]


def _row(each: Mapping[str, Any]) -> str:
    size = ", ".join(f"{key} {_number(value)}" for key, value in each["size"].items())
    vendor = _VENDORS.get(each["on"]) or str(each["server"]).partition(" ")[0]
    seed = "" if each["seed"] is None else str(each["seed"])
    return f"| {vendor} | {size} | {_found(each['figures'])} | {seed} | {'yes' if each['held'] else '**no**'} |"


def _what(test: str, words: int) -> str:
    """Return what the name of a test says, but for its first words."""
    return test.partition("[")[0].rpartition("::")[2].split("_", words)[words].replace("_", " ")


def _found(figures: Mapping[str, Any]) -> str:
    shown = {key: value for key, value in figures.items() if key not in _TOLD and (value or key not in _QUIET)}
    return ", ".join(f"{key} {_number(value)}" for key, value in shown.items())


def _commands(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return one command for each test function, or for each file of the figures of security."""
    ends = {each["test"]: "::" if record.is_of_security(each["scenario"]) else "[" for each in records}
    tests = dict.fromkeys(str(test).partition(end)[0] for test, end in ends.items())
    return ["```console", *(f"$ {_command(test)}" for test in tests), "```"]


def _command(test: str) -> str:
    return "make soak" if "test_soak.py" in test else f"make chaos ARGS={test}"


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _distinct(values: Iterable[str]) -> str:
    return ", ".join(sorted({value for value in values if value}, key=lambda each: re.split(r"[ .]", each)))


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(), record.read(REPORT)))
