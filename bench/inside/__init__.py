"""What runs inside the site of a system: a module for each, in the language of its library.

Each has ``enqueue(number, milliseconds)``, ``queued()`` and ``stored()``, and, where its library can,
``enqueue_many(numbers, milliseconds)``. They are imported once Django is set up.
"""
