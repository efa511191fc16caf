"""The tests of djq-core; they mirror the package one to one."""
