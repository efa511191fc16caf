"""MongoDB as the message broker of djq."""
