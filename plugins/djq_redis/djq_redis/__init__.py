"""The Redis brokers of djq: the manual's list, and a queue with receipts (manual 1.3.1)."""
