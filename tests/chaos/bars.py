"""The bars of the scenarios, in words, as the report repeats them."""

from __future__ import annotations

from collections.abc import Mapping

#: What has no number of its own.
MORE = "more"

BARS: Mapping[str, str] = {
    "R1": "lost 0; extra runs ≤ kills; the full number of workers is at work again ≤ 1 s after each kill",
    "R2": "after each kill of an idle worker 8 of 8 tasks are done in ≤ 2 s",
    "R3": "results, hooks and next links missing 0; hooks extra ≤ kills after the call; a next link exactly once where "
    "broker and results share a database",
    "R4": "lost 0; extra 0; redelivered ≤ lease + 1 s",
    "R5": "orphans after 5 s 0; lost 0",
    "R6": "with receipts lost 0, extra ≤ workers + queue_limit for each kill; on the list of Redis lost ≤ that, and "
    "the start line said so",
    "R7": "lost 0 of what was accepted; no enqueue hangs past its time-out; consuming again ≤ 5 s after; no process "
    "dies",
    "R8": "acknowledged unsaved 0; all rows there; the cluster holds ≤ workers + queue_limit and grows by ≤ 32 MiB",
    "R9": "≤ max_crashes runs each, a failure that names the signal or the exit code; the p99 of the "
    "others at most twice as long",
    "R10": "one refusal or one failure with its reason each; 50 MB arrive whole; no process dies",
    "R11": "each killed ≤ 2 s + grace + 1 s after its start, and recorded",
    "R12": "lost 0; extra 0; exit 0 within the stop budget of 10 s",
    "R13": "lost 0; extra 0; each task that takes five times retry starts once",
    "R14": "each due slot exactly once",
    "R15": "lost 0; file descriptors, processes and memory flat",
    "R16": "ghost tasks 0; missing tasks 0",
    "SIGTERM": "exit 0 within the stop budget of 10 s, every time; lost 0; extra 0",
    "S1": "executed 0; load and decompress are never called",
    "S2": "constant time on the only path",
    "S3": "what is queued under the former key runs",
    "S4": "pickles refused unread in JSON mode; inflation bounded",
    "S5": "escaped everywhere; a list unpickles nothing",
    "S6": "refused where it is sent, and again where it would run",
    "S7": "0 hits",
    "S8": "ignored",
    MORE: "lost 0; whatever is run or called once more is explained by a kill",
}
