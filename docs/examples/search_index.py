"""A search index that follows its documents, without making anyone wait for it (manual 1.15.4).

Run it: python search_index.py
"""

from __future__ import annotations

import re
from typing import Any

import example_site

example_site.set_up()

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from djq_core.tasks import async_task
from library.models import Document, Word


@receiver(post_save, sender=Document, dispatch_uid="document_saved")
def document_saved(instance: Document, **_: Any) -> None:
    """Index a document anew; the result is not kept, for nobody would look at it."""
    async_task("search_index.index_document", instance.pk, save=False)


@receiver(post_delete, sender=Document, dispatch_uid="document_deleted")
def document_deleted(instance: Document, **_: Any) -> None:
    """Take a document out of the index."""
    async_task("search_index.forget_document", instance.pk, save=False)


def index_document(pk: int) -> None:
    """Replace the words of a document by those that it has now; twice is as good as once."""
    document = Document.objects.get(pk=pk)
    words = sorted(set(re.findall(r"\w+", f"{document.title} {document.text}".lower())))
    with transaction.atomic():
        forget_document(pk)
        Word.objects.bulk_create(Word(word=word[:50], document=document) for word in words)


def forget_document(pk: int) -> None:
    """Remove the words of a document."""
    Word.objects.filter(document_id=pk).delete()


def found(word: str) -> QuerySet[Document]:
    """Return the documents in which a word occurs."""
    return Document.objects.filter(word__word=word.lower()).order_by("title")


def main() -> None:
    """Save two documents, change one, and look for a word."""
    example_site.begin()
    Document.objects.all().delete()
    with example_site.cluster():
        moth = Document.objects.create(title="The moth", text="It sat in a relay of the Mark II.")
        Document.objects.create(title="The relay", text="It opens and closes.")
        example_site.wait_for(lambda: found("relay").count() == 2)
        print("relay:", ", ".join(map(str, found("relay"))))
        moth.text = "It was taped into the log book."
        moth.save()
        example_site.wait_for(lambda: found("book").count() == 1)
        print("relay:", ", ".join(map(str, found("relay"))))
        print("book:", ", ".join(map(str, found("book"))))


if __name__ == "__main__":
    main()
