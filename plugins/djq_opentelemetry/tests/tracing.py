"""How the test site sets up OpenTelemetry: spans are kept for an hour, and go to a file as lines of JSON when asked."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

FILE = "spans.jsonl"
AN_HOUR = 3_600_000


class Lines(SpanExporter):
    """Appends spans to the file of the folder in which the process was started."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with Path(FILE).open("a") as file:
            file.writelines(f"{json.dumps(_told(span))}\n" for span in spans)
        return SpanExportResult.SUCCESS


def _told(span: ReadableSpan) -> dict[str, Any]:
    return {**json.loads(span.to_json()), "pid": os.getpid()}


def configure() -> None:
    """Record every span of this process."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Lines(), schedule_delay_millis=AN_HOUR))
    trace.set_tracer_provider(provider)
