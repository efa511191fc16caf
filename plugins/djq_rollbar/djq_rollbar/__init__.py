"""Errors of djq in Rollbar (manual 1.2.32, 1.12)."""
