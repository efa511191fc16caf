"""What ``qmonitor``, ``qinfo`` and ``qmemory`` draw; all but the base of the commands needs rich, ``live`` Textual."""
