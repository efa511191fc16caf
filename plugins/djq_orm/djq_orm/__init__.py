"""The ORM broker of djq: a table of Django's database as the queue (manual 1.3.6)."""
