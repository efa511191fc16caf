"""The public API as a site uses it: never run, only type-checked by ``make types``."""
