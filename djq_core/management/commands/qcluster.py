"""``manage.py qcluster``: start a cluster and run it until it is told to stop (manual 1.9)."""

from __future__ import annotations

import sys
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from djq_core import current
from djq_core.cluster import Cluster
from djq_core.management.base import TranslatedCommand
from djq_core.phrases import gettext_noop, in_words


class Command(TranslatedCommand):
    """Start a cluster in the foreground."""

    help = gettext_noop("Starts a Q cluster. SIGTERM or ctrl-c stops it in order, a second one at once.")

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        told = _("the cluster to run: its name, as in Q_CLUSTER['ALT_CLUSTERS']")
        parser.add_argument("-n", "--name", help=told)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the cluster; the exit code is 0 after an orderly stop, 1 when it could not start or not go on."""
        try:
            if options["name"]:
                current.app_config().use_cluster(options["name"])
            exitcode = Cluster().run()
        except ImproperlyConfigured as error:
            raise CommandError(in_words(error)) from error
        if exitcode:
            sys.exit(exitcode)
