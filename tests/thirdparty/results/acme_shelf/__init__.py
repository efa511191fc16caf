"""A distribution that knows djq by its documentation alone."""
