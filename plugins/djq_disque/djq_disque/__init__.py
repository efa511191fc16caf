"""Disque as the message broker of djq: receipts, leases, and nodes that take each other's place (manual 1.3.2)."""
