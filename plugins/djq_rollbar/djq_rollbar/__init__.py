"""Errors of djq in Rollbar."""
