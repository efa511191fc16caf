"""What the tests of running clusters share: throw-away sites, real clusters, and the oracle outside both.

Nothing is imported here, so that a worker which imports ``tests.harness.tasks`` imports little else.
"""
