"""IronMQ as the message broker of djq."""
