"""What travels: task packages, their results and the signature over both."""

from __future__ import annotations

from djq_core.envelope.allowing import check_allowed, check_home, check_path
from djq_core.envelope.names import new_id, task_name
from djq_core.envelope.package import Place, TaskPackage
from djq_core.envelope.result import TaskResult
from djq_core.envelope.signing import FIELD, GROUP, HISTORY, RESULT, STAT, TASK, Signer
from djq_core.envelope.wire import decode_package, encode_package

__all__ = [
    "FIELD",
    "GROUP",
    "HISTORY",
    "RESULT",
    "STAT",
    "TASK",
    "Place",
    "Signer",
    "TaskPackage",
    "TaskResult",
    "check_allowed",
    "check_home",
    "check_path",
    "decode_package",
    "encode_package",
    "new_id",
    "task_name",
]
