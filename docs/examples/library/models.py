"""Documents, and the words by which they are found."""

from __future__ import annotations

from django.db import models


class Document(models.Model):
    """A text with a title."""

    title = models.CharField(max_length=100)
    text = models.TextField()

    def __str__(self) -> str:
        return self.title


class Word(models.Model):
    """A word of a document: the search index."""

    word = models.CharField(max_length=50, db_index=True)
    document = models.ForeignKey(Document, models.CASCADE)

    def __str__(self) -> str:
        return self.word
