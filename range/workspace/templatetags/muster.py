"""Small tags and filters that pages share: icons, times, durations, initials."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import template
from django.template import Context
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from range.console import event_words
from range.timeline.models import Event
from range.workspace import wording
from range.workspace.presenters import reasons

register = template.Library()


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """Draw one symbol of the sprite.

    Args:
        label: What it means where no word stands beside it; empty hides it from readers.
    """
    href = f"{static('img/icons.svg')}#{name}"
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}"/></svg>', label, href
        )
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}"/></svg>', href
    )


@register.simple_tag
def mark() -> SafeString:
    """Draw the product's mark."""
    href = f"{static('img/icons.svg')}#mark"
    return format_html(
        '<svg class="brand__mark" aria-hidden="true" focusable="false"><use href="{}"/></svg>',
        href,
    )


@register.simple_tag
def when(moment: datetime | None) -> SafeString | str:
    """Say how long ago or ahead a moment is; the exact one is in the title."""
    if moment is None:
        return "never"
    return format_html(
        '<time datetime="{}" title="{} UTC" data-relative>{}</time>',
        moment.isoformat(),
        moment.astimezone(UTC).strftime("%d %b %Y, %H:%M:%S"),
        wording.relative(moment - timezone.now()),
    )


@register.simple_tag(takes_context=True)
def moment(context: Context, at: datetime | None) -> SafeString | str:
    """Write a moment exactly, with the viewer's time zone; the browser's where none was chosen."""
    if at is None:
        return "never"
    zone = wording.zone(getattr(context.get("user"), "time_zone", ""))
    return format_html(
        '<time class="nowrap" datetime="{}"{}>{} {}</time>',
        at.isoformat(),
        SafeString(" data-local" if zone.key == "UTC" else ""),
        at.astimezone(zone).strftime("%a %-d %b %Y, %H:%M"),
        zone.key.replace("_", " "),
    )


@register.simple_tag
def countdown(moment: datetime) -> SafeString:
    """Count down to a moment; without script it shows what was left when the page was made."""
    return format_html(
        '<time datetime="{}" data-countdown>{}</time>',
        moment.isoformat(),
        wording.clock(moment - timezone.now()),
    )


@register.filter
def happened(event: Event) -> str:
    """Say what an event was."""
    return event_words.label(event)


@register.filter
def details(event: Event) -> str:
    """Say how it came to an event of a machine, and how much it was."""
    return event_words.details(event)


@register.filter
def span(length: timedelta | None) -> str:
    """Write a duration in words, such as `1 h 5 min`."""
    return "" if length is None else wording.span(length)


@register.filter
def initials(name: str) -> str:
    """Return up to two initials of a name."""
    return wording.initials(name)


@register.filter
def percent(share: Any) -> str:
    """Write a share in [0, 1] as whole percent."""
    return "" if share is None else f"{round(float(share) * 100)} %"


@register.filter
def hundredths(share: Any) -> str:
    """Write a share in [0, 1] as a whole number of hundredths, without the sign."""
    return "" if share is None else str(round(float(share) * 100))


@register.filter
def reason(slug: str) -> str:
    """Write the reason a check gave as a sentence."""
    return reasons.sentence(str(slug))


@register.filter
def word(slug: str) -> str:
    """Write a slug of the scenario format as people say it."""
    return wording.word(str(slug))
