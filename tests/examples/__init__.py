"""The tests of the documentation's examples."""
