"""Lists of any length: counted to a bound, searched to a bound, and filtered by what is new."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.contrib import admin, messages
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    _Paginator = Paginator[Any]
else:
    _ModelAdmin = admin.ModelAdmin
    _Paginator = Paginator

#: So many rows are counted, and can be turned over page by page.
COUNTED: Final = 10_000
#: So many of the newest rows are searched for a part of a text.
SEARCHED: Final = 20_000
#: The values of so many of the newest rows are offered by a filter, and so many values at most.
LOOKED_AT: Final = 1_000
OFFERED: Final = 20
#: A whole id or name leads to so many rows at most.
FOUND: Final = 200


class BoundedPaginator(_Paginator):
    """Counts no further than ``most``: to count a million rows takes the database longer than to show a hundred."""

    most = COUNTED

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        first = next(iter(rows.query.order_by), "pk")
        field = first if isinstance(first, str) else "pk"
        # in order and of that column alone: so the index that gives the order is enough, and no row is read
        return int(rows.order_by(field).values(field.lstrip("-"))[: self.most + 1].count())

    @cached_property
    def count(self) -> int:
        """Return the number of rows, at most the bound."""
        return min(self._counted, self.most)

    @property
    def is_bounded(self) -> bool:
        """Are there more rows than were counted?"""
        return self._counted > self.most


class RecentValues(admin.FieldListFilter):
    """Offers the values that a field has in the newest rows, and a box for any other: none of all has to be counted."""

    template = "admin/djq_core/recent_values.html"
    #: The parameters of the list but this filter's own, for the form of the box.
    others: list[tuple[str, Any]]

    def __init__(
        self, field: Any, request: HttpRequest, params: Any, model: Any, model_admin: Any, field_path: str
    ) -> None:
        super().__init__(field, request, params, model, model_admin, field_path)
        given: Any = self.used_parameters.get(field_path)
        self.value = str(given[-1]) if given else ""
        newest = model_admin.get_queryset(request).order_by(*model_admin.newest_first)
        values = newest.values_list(field_path, flat=True)[:LOOKED_AT]
        known = dict.fromkeys(value for value in values if value)
        self.offered = sorted({*list(known)[:OFFERED], *filter(None, [self.value])})

    def expected_parameters(self) -> list[str | None]:
        """Take the field's own name, as links to the list have it."""
        return [self.field_path]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Yield "All" and the values."""
        self.others = [
            (name, value)
            for name, values in changelist.filter_params.items()
            if name != self.field_path
            for value in (values if isinstance(values, list) else [values])
        ]
        none = {"query_string": changelist.get_query_string(remove=[self.field_path])}
        yield {"selected": not self.value, "display": _("All"), **none}
        for value in self.offered:
            link = changelist.get_query_string({self.field_path: value})
            yield {"selected": value == self.value, "display": value, "query_string": link}


class BoundedList(ChangeList):
    """A list that comes in no order but those it offers, whatever its address asks for."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Forget an order that is not offered; the list's own is backed by an index."""
        columns = dict(enumerate(self.list_display))
        if not all(columns.get(number) in (self.sortable_by or ()) for number in self.get_ordering_field_columns()):
            self.params.pop(ORDER_VAR, None)
        return super().get_ordering(request, queryset)


class BoundedAdmin(_ModelAdmin):
    """A page whose list does not get slower with the number of its rows."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    #: The order, backed by an index, in which the newest rows come first.
    newest_first: ClassVar[tuple[str, ...]] = ("-pk",)
    #: What a search finds in a row of any age when it is given as a whole, each backed by an index: fields that few
    #: rows share, and one by which many may be labelled.
    whole_fields: ClassVar[tuple[str, ...]] = ()
    whole_label: ClassVar[str | None] = None
    #: The columns that lead to a row, those of them that a list has, where a site says nothing else.
    leading: ClassVar[tuple[str, ...]] = ()

    class Media:
        css = {"all": ["djq_core/css/admin.css"]}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that keeps to its orders."""
        return BoundedList

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        """Link what leads to a row; a subclass may have other columns without saying which of them do."""
        leading = [] if self.list_display_links else [name for name in self.leading if name in list_display]
        return leading or super().get_list_display_links(request, list_display)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Search all of a short list; of a long one all for what is given as a whole, and the newest for a part."""
        term = search_term.strip()
        age = self.newest_first[0].lstrip("-")
        newest = queryset.order_by(self.newest_first[0]).values_list(age, flat=True)
        edge = newest[SEARCHED : SEARCHED + 1].first() if term else None
        if edge is None:
            return super().get_search_results(request, queryset, search_term)
        among_newest = super().get_search_results(request, queryset.filter(**{f"{age}__gte": edge}), search_term)
        if keys := self._named(queryset, term):
            parts = among_newest[0].values_list("pk", flat=True)[: max(0, self.list_per_page - len(keys))]
            return self._with_keys(queryset, [*keys, *parts]), False
        if self.whole_label and queryset.order_by().filter((self.whole_label, term)).exists():
            return queryset.filter((self.whole_label, term)), False
        return among_newest

    def _with_keys(self, queryset: QuerySet[Any], keys: list[Any]) -> QuerySet[Any]:
        """Choose rows by their keys, because databases guess wrong where two indexes would do.

        By their ages too: SQLite takes it that few tasks have any one outcome, and would read all that have it.
        """
        age = self.newest_first[0].lstrip("-")
        ages = self.model._base_manager.using(queryset.db).filter(pk__in=keys).order_by().values(age)
        return queryset.filter(**{"pk__in": keys, f"{age}__in": ages})

    def _named(self, queryset: QuerySet[Any], term: str) -> list[Any]:
        """Return the keys of rows, of any age, that a term means as a whole."""
        means = Q(*((name, term) for name in self.whole_fields), _connector=Q.OR)
        rows = self.model._base_manager.using(queryset.db)
        return list(rows.filter(means).order_by().values_list("pk", flat=True)[:FOUND]) if self.whole_fields else []

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any) -> Any:
        """Refuse an action for "all" rows where there are more than the page has said."""
        paginator = BoundedPaginator(queryset, self.list_per_page)
        if request.POST.get("select_across", "0") != "0" and paginator.is_bounded:
            text = _("There are more than %(most)s rows: narrow the list first, or choose them page by page.")
            self.message_user(request, text % {"most": f"{paginator.most:,}"}, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        return super().response_action(request, queryset, *args, **kwargs)
