"""What djq-core finds through the entry point: the broker ``acme``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from djq_core import hookimpl

if TYPE_CHECKING:
    from djq_core.brokers import Broker


@hookimpl
def djq_register_brokers() -> list[type[Broker]]:
    """Offer the Acme broker."""
    # Imported here, for a site that has chosen another broker loads this module too. A client library that is slow to
    # import waits longer still: until the broker reads its options.
    from djq_acme.broker import AcmeBroker

    return [AcmeBroker]
