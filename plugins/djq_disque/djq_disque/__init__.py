"""Disque as the message broker of djq."""
