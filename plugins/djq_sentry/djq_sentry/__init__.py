"""Errors, traces and schedules of djq in Sentry."""
