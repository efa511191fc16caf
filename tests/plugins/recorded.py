"""What the entry point of the recording plugin leads to; whoever imports it connects the receivers."""

from __future__ import annotations

from tests.plugins.recording import Connecting

PLUGIN = Connecting()
