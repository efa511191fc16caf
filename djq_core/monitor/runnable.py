"""Whether a function can be run on this host, by its path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from djq_core.cluster.functions import find_function
from djq_core.envelope import check_home, check_path
from djq_core.phrases import in_words

if TYPE_CHECKING:
    from djq_core.runtime import Runtime


def function_flaw(runtime: Runtime, path: str) -> str:
    """Return why a function cannot be run here, an empty text where it can; its module is imported."""
    allowed = runtime.conf.allowed_functions
    try:
        check_path(allowed, path, "function")
        if runtime.hooks.resolve_function(path) is None:
            check_home(allowed, path, find_function(path))
    except Exception as error:  # importing runs the site's code
        return str(in_words(error)) or type(error).__name__
    return ""
