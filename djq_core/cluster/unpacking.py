"""From a frame of the sentinel to a result that can be saved: what became of a task, and its package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from djq_core.cluster.callbacks import Saved
from djq_core.cluster.channels import Frame
from djq_core.envelope import TaskPackage, decode_package
from djq_core.exceptions import PackageError

if TYPE_CHECKING:
    from djq_core.runtime import Runtime


def unpack(runtime: Runtime, frame: Frame) -> Saved:
    """Return the result in a frame of the sentinel: first the package, then the result as the worker has pickled it."""
    header, split = frame.header, frame.header["split"]
    package = _package(runtime, header, frame.payload[:split].decode("ascii"))
    if header.get("fail"):
        package = replace(package, ack_failure=True)  # nobody runs it again: so its iter or chain need not wait
    crashed, error = header.get("crashed", False), header.get("error")
    result = package.finished(
        bytes(frame.payload[split:]) if error is None else runtime.dump(error),
        datetime.fromisoformat(header["stopped"]) if "stopped" in header else datetime.now(UTC),
        success=header.get("success", False),
        serializer=header.get("serializer", runtime.conf.serializer),
        attempt=header["attempt"],
        crashed=crashed,
    )
    return Saved(frame.seq, header, result)


def _package(runtime: Runtime, header: Mapping[str, Any], text: str) -> TaskPackage:
    try:
        return decode_package(text, max_bytes=runtime.conf.max_package_bytes)
    except PackageError:
        return bare_package(runtime, header)


def bare_package(runtime: Runtime, header: Mapping[str, Any]) -> TaskPackage:
    """Return a package without what could not be read or stored."""
    return TaskPackage(
        id=header["id"],
        name=header["name"],
        func=header["func"],
        started=datetime.now(UTC),
        serializer=runtime.conf.serializer,
        parts={"args": runtime.dump(()), "kwargs": runtime.dump({})},
    )
