"""Acme as the message broker of djq."""
