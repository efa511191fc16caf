"""The subcommands of ``manage.py djq``, a module each."""
