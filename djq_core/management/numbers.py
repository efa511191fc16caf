"""Numbers on the command line; what is none is told in the language of the site."""

from __future__ import annotations

from argparse import ArgumentTypeError

from django.utils.translation import gettext as _


def number(text: str) -> float:
    """Return a number as ``type=`` of an option takes it; raises ArgumentTypeError."""
    try:
        return float(text)
    except ValueError:
        raise ArgumentTypeError(_("%(text)s is not a number") % {"text": text}) from None


def whole(text: str) -> int:
    """Return a whole number in the same way."""
    try:
        return int(text)
    except ValueError:
        raise ArgumentTypeError(_("%(text)s is not a whole number") % {"text": text}) from None
