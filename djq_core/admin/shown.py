"""Values and links as a page shows them: always text, whatever a value claims to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin

_MOST_SHOWN = 20_000


def shown(value: object, most: int = _MOST_SHOWN) -> SafeString:
    """Return a stored value as text, escaped whatever it claims to be; a value that cannot be printed says so."""
    try:
        text = str(value)
    except Exception as error:  # the site's own classes
        told = {"value": type(value).__name__, "error": type(error).__name__}
        text = gettext("<%(value)s: %(error)s when printed>") % told
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")  # half of a surrogate pair has no place in a page
    return escape(text if len(text) <= most else f"{text[:most]}…")


def block(value: object) -> SafeString:
    """Return a stored value, a traceback among them, with its lines as they are."""
    return format_html('<pre class="djq-value-shown">{}</pre>', shown(value))


def linked(page: str, text: object, *args: object, site: str = "admin", **query: str) -> SafeString:
    """Return a link to a page of the admin, as in ``djq_core_success_changelist``; the text where it has no such page.

    ``query`` are the parameters of a list.
    """
    try:
        path = reverse(f"{site}:{page}", args=args)
    except NoReverseMatch:
        return escape(str(text))
    return format_html('<a href="{}{}">{}</a>', path, f"?{urlencode(query)}" if query else "", str(text))


class WithButtons(_ModelAdmin):
    """Offers on the page of a row, as buttons that POST, what its list offers as actions."""

    change_form_template = "admin/djq_core/with_buttons.html"
    #: The actions that are buttons, with the words on them.
    button_labels: ClassVar[dict[str, Any]] = {}

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Hand the buttons to the template."""
        row = context["original"]
        possible = self.get_actions(request) if row else {}
        context["buttons"] = [
            each for each in self.button_labels.items() if each[0] in possible and self.suits(*each, row)
        ]
        return super().render_change_form(request, context, *args, **kwargs)

    def suits(self, action: str, label: str, row: Any) -> bool:
        """Return whether an action makes sense for a row."""
        return True
