"""Traces of OpenTelemetry for djq."""
