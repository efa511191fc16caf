"""A small site's job: index Python source files, one task per file."""
