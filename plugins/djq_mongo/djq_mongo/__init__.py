"""MongoDB as the message broker of djq (manual 1.3.5)."""
