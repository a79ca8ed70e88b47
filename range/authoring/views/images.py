"""The catalogue of machine images: what authors may name, and what operators allow."""

import uuid
from typing import cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from range.accounts.access import can_bring_builds, can_see_workshop
from range.accounts.models import User
from range.authoring.image_page import build_folders, image_page
from range.catalog import allowed_images
from range.catalog.models import AllowedImage

PAGE = "authoring/images.html"


@never_cache
@require_safe
def images(request: HttpRequest) -> HttpResponse:
    """Show authors which images there are, and operators what they may add or withdraw."""
    if not can_see_workshop(request.user):
        raise PermissionDenied
    return render(request, PAGE, {"page": image_page(cast(User, request.user))})


@require_POST
def allow_image(request: HttpRequest) -> HttpResponse:
    """Let authors name what a build folder of the range's scenarios makes."""
    operator = _operator(request)
    folder = build_folders().get(request.POST.get("folder", ""))
    if folder is None:
        raise allowed_images.ImageRefused("Choose one of the build folders of the scenarios.")
    image = allowed_images.allow(
        folder,
        name=request.POST.get("name", "").strip(),
        description=request.POST.get("description", ""),
        by=operator,
    )
    messages.success(request, f"Authors may name {image.name}; it is built in a moment.")
    return redirect("images")


@require_POST
def withdraw_image(request: HttpRequest, image_id: uuid.UUID) -> HttpResponse:
    """Offer an image no more; what was published with it keeps it."""
    _operator(request)
    image = get_object_or_404(AllowedImage, pk=image_id)
    allowed_images.withdraw(image.pk)
    messages.success(
        request, f"{image.name} is offered to nobody any more; you can undo that here."
    )
    return redirect("images")


@require_POST
def restore_image(request: HttpRequest, image_id: uuid.UUID) -> HttpResponse:
    """Offer a withdrawn image again."""
    _operator(request)
    image = get_object_or_404(AllowedImage, pk=image_id)
    allowed_images.allow_again(image.pk)
    messages.success(request, f"Authors may name {image.name} again.")
    return redirect("images")


def _operator(request: HttpRequest) -> User:
    if not can_bring_builds(request.user):
        raise PermissionDenied
    return cast(User, request.user)
