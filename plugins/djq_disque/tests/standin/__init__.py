"""A stand-in for a Disque server: real processes that answer as Disque 1.0-rc1 does, reply for reply."""
