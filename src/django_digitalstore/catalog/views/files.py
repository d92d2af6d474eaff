"""The seller's pages for the files of a release: adding, replacing, naming, deleting them.

A file comes with the form, through the site. With a storage that takes direct uploads, and
JavaScript, the browser only announces it here, sends it to the storage, and reports back:
``step=start``, ``step=finish`` and ``step=cancel`` of the same address, answered as JSON.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.decorators import classonlymethod
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from django.views.generic import DeleteView, FormView, ListView, UpdateView, View

from django_digitalstore.catalog import flows, get_asset_model, get_product_model, get_release_model
from django_digitalstore.catalog.choices import AssetState
from django_digitalstore.catalog.exceptions import ProductNotReady
from django_digitalstore.catalog.forms import AssetReplaceForm
from django_digitalstore.catalog.upload_handler import MeasuringUploadHandler
from django_digitalstore.catalog.upload_limits import TOO_LARGE
from django_digitalstore.catalog.uploads import UploadTicket, direct_uploads
from django_digitalstore.core.roles import SELLER
from django_digitalstore.core.views import GenericView, OutsideTransactionView

from .pages import HostTemplateMixin, PagedMixin

__all__ = [
    "GenericAssetCreateView",
    "GenericAssetDeleteView",
    "GenericAssetListView",
    "GenericAssetReplaceView",
    "GenericAssetUpdateView",
]

#: Larger uploads are left to the periodic job: a storage that doesn't know an object's SHA-256
#: reads all of it, while somebody waits.
CHECKED_AT_ONCE = 64 * 1024**2

_SALT = "digitalstore.replacement.v1"
_LIST = {"list_url": ("get_list_url", '"shop:seller_assets"')}


class _SellersPage(GenericView):
    """A page for sellers."""

    roles: ClassVar[tuple[str, ...]] = (SELLER,)


class _SellersFiles(HostTemplateMixin):
    """What the pages share: files, and releases, of the seller who looks, and of nobody else."""

    context_object_name: str | None = "asset"
    #: URL name of the list of a release's files; it takes the release's ``pk``.
    list_url: Any = None
    kwargs: dict[str, Any]

    def get_page_model(self) -> type[Model]:
        return get_asset_model()

    def get_releases(self) -> QuerySet:
        """Return the releases of the seller's own products. Hook: keep to them."""
        own = get_product_model().objects.of_seller(self.request.user)
        return get_release_model()._default_manager.filter(product__in=own)

    def get_assets(self) -> QuerySet:
        """Return the files of these releases."""
        assets = get_asset_model()._default_manager.filter(release__in=self.get_releases())
        return assets.select_related("release__product")

    def get_list_url(self, release: Any) -> str:
        """Return where the files of ``release`` are. Hook."""
        return reverse(self.list_url, kwargs={"pk": release.pk})

    def find(self, queryset: QuerySet) -> Any:
        """Return the row that the address names. Raises ``Http404`` for what is another's."""
        try:
            return queryset.get(pk=self.kwargs["pk"])
        except (queryset.model.DoesNotExist, ValueError, ValidationError, OverflowError):
            raise Http404 from None

    def succeed(self, text: str) -> None:
        """Say what was done, on the next page."""
        messages.success(self.request, text, fail_silently=True)


class GenericAssetListView(_SellersPage, _SellersFiles, PagedMixin, ListView):
    """The files of one of the seller's releases, ready or not."""

    needs = {
        "create_url": ("get_create_url", '"shop:seller_asset_create"'),
        "update_url": ("get_update_url", '"shop:seller_asset_update"'),
        "replace_url": ("get_replace_url", '"shop:seller_asset_replace"'),
        "delete_url": ("get_delete_url", '"shop:seller_asset_delete"'),
    }
    page_template = "asset_seller_list.html"
    context_object_name = "assets"
    create_url: Any = None
    update_url: Any = None
    replace_url: Any = None
    delete_url: Any = None
    #: URL name where a seller looks at a file, by POST; None leaves the button out.
    preview_url: Any = None
    #: URL name of the release's own page, by product and key; None leaves the way back out.
    release_url: Any = None

    @cached_property
    def release(self) -> Any:
        """The release that the address names."""
        return self.find(self.get_releases().select_related("product"))

    def get_queryset(self) -> QuerySet:
        return self.get_assets().filter(release=self.release)

    def get_create_url(self) -> str:
        """Return where a file is added to the release. Hook."""
        return reverse(self.create_url, kwargs={"pk": self.release.pk})

    def get_update_url(self, asset: Any) -> str:
        """Return where ``asset`` is renamed. Hook."""
        return reverse(self.update_url, kwargs={"pk": asset.pk})

    def get_replace_url(self, asset: Any) -> str:
        """Return where ``asset`` gets new bytes. Hook."""
        return reverse(self.replace_url, kwargs={"pk": asset.pk})

    def get_delete_url(self, asset: Any) -> str:
        """Return where ``asset`` is deleted. Hook."""
        return reverse(self.delete_url, kwargs={"pk": asset.pk})

    def get_preview_url(self, asset: Any) -> str:
        """Return where the seller looks at ``asset``, by POST, or nothing. Hook."""
        if not (self.preview_url and asset.is_ready):
            return ""
        return reverse(self.preview_url, kwargs={"pk": asset.pk})

    def get_back_url(self) -> str:
        """Return where the way back leads, or nothing. Hook."""
        if not self.release_url:
            return ""
        kwargs = {"slug": self.release.product.slug, "pk": self.release.pk}
        return reverse(self.release_url, kwargs=kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context.update(
            release=self.release,
            create_url=self.get_create_url(),
            back_url=self.get_back_url(),
            has_unfinished=any(a.state == AssetState.PROCESSING for a in context["assets"]),
            rows=[
                {
                    "asset": asset,
                    "preview_url": self.get_preview_url(asset) if asset.is_ready else "",
                    "update_url": self.get_update_url(asset),
                    "replace_url": self.get_replace_url(asset),
                    "delete_url": self.get_delete_url(asset),
                }
                for asset in context["assets"]
            ],
        )
        return context


class _ReadsUpload(View):
    """Puts the handler that measures an upload in place, before anything reads the form.

    Django's CSRF middleware would read it first, with the handlers of the settings. So
    ``as_view()`` makes it pass, and ``dispatch()`` asks for the token itself, for every method
    that changes something, once the handler is there and the visitor's role is known.
    """

    http_method_names = ["get", "post", "head", "options"]
    upload_handler: MeasuringUploadHandler | None = None

    @classonlymethod
    def as_view(cls, **initkwargs: Any) -> Any:  # noqa: N805
        """Return the view function; the token is asked for by ``dispatch()``."""
        view = super().as_view(**initkwargs)
        view.csrf_exempt = True  # type: ignore[attr-defined]
        return view

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Ask for the CSRF token, with the handler in place."""
        self.prepare()
        # Where a middleware of the host's has read the form already, it was by the handlers of
        # the settings, and the limits are held by form and flow alone.
        if request.method == "POST" and not hasattr(request, "_files"):
            self.upload_handler = MeasuringUploadHandler(request)
            request.upload_handlers = [self.upload_handler]

        def answer(request: HttpRequest) -> HttpResponseBase:
            return super(_ReadsUpload, self).dispatch(request, *args, **kwargs)

        return csrf_protect(answer)(request)

    def prepare(self) -> None:
        """Find what the page is about, before a byte of the upload is read. Raises ``Http404``."""


class _UploadPage(_SellersPage, OutsideTransactionView, _SellersFiles, _ReadsUpload, FormView):
    """A form with a file, and the three steps of a direct upload."""

    needs = _LIST
    http_method_names = ["get", "post", "head", "options"]

    @property
    def release(self) -> Any:
        """The release that the file is of. Hook."""
        raise NotImplementedError(f"{type(self).__name__} must implement release.")

    @property
    def refusal(self) -> ValidationError | None:
        """Why the upload was thrown away while it came in."""
        return self.upload_handler.refusal if self.upload_handler else None

    @cached_property
    def is_direct(self) -> bool:
        """Whether the storage takes uploads from browsers."""
        field = get_asset_model()._meta.get_field("file")
        return direct_uploads(field.storage) is not None

    @property
    def wants_json(self) -> bool:
        """Whether the page's script asks."""
        return self.request.headers.get("Accept") == "application/json"

    def get_success_url(self) -> str:
        """Return where to go afterwards: to the files of the release. Hook."""
        return self.get_list_url(self.release)

    def get_form_kwargs(self) -> dict[str, Any]:
        """Give the form its seller, and why the upload was refused. Hook."""
        kwargs = super().get_form_kwargs()
        kwargs.update(
            seller=self.request.user,
            refusal=self.refusal,
            direct=self.is_direct and self.request.POST.get("step") == "start",
        )
        return kwargs

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        step = request.POST.get("step", "")
        if self.is_direct and step in {"start", "finish", "cancel"}:
            try:
                answer: HttpResponse = getattr(self, f"{step}_upload")()
                return answer
            except ProductNotReady as error:
                return self.tell(error.messages, 400)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """Store the file by the form's flow."""
        try:
            asset = form.save()
        except ProductNotReady as error:
            form.take_errors(error)
            return self.form_invalid(form)
        self.succeed(self.get_success_message(asset))
        if self.wants_json:
            return JsonResponse({"location": self.get_success_url()})
        return HttpResponseRedirect(self.get_success_url())

    def form_invalid(self, form: Any) -> HttpResponse:
        """Show the form again; the status says where the upload itself was refused."""
        status = 200
        if self.refusal is not None:
            status = 413 if self.refusal.code == TOO_LARGE else 400
        if self.wants_json:
            found = [
                f"{form.fields[name].label}: {text}" if name in {"name", "platform"} else text
                for name, texts in form.errors.items()
                for text in texts
            ]
            return self.tell(found, 400 if status == 200 else status)
        return self.render_to_response(self.get_context_data(form=form), status=status)

    def get_success_message(self, asset: Any) -> str:
        """Return what the seller reads afterwards. Hook."""
        return _("“%(object)s” is uploaded.") % {"object": asset}

    def tell(self, errors: list[str], status: int) -> JsonResponse:
        """Answer the page's script with what is wrong."""
        return JsonResponse({"errors": errors}, status=status)

    def hand_out(self, ticket: UploadTicket, token: str) -> JsonResponse:
        """Answer with the ticket, and with what the script sends back afterwards."""
        return JsonResponse(
            {"url": ticket.url, "fields": dict(ticket.fields), "upload": token}, status=201
        )

    def start_upload(self) -> HttpResponse:
        """Hand out a ticket for the file that the form announces."""
        form = self.get_form()
        if not form.is_valid():
            return self.form_invalid(form)
        try:
            return self.hand_out(*self.start(form))
        except ProductNotReady as error:
            return self.tell(error.messages, 400)

    def finish_upload(self) -> HttpResponse:
        """Look at what arrived."""
        self.finish(self.request.POST.get("upload", ""))
        return JsonResponse({"location": self.get_success_url()})

    def cancel_upload(self) -> HttpResponse:
        """Take away what was begun."""
        self.cancel(self.request.POST.get("upload", ""))
        return JsonResponse({})

    def start(self, form: Any) -> tuple[UploadTicket, str]:
        """Begin a direct upload; return the ticket and what the other steps need. Hook."""
        raise NotImplementedError(f"{type(self).__name__} must implement start(form).")

    def finish(self, token: str) -> None:
        """Finish a direct upload. Hook."""
        raise NotImplementedError(f"{type(self).__name__} must implement finish(token).")

    def cancel(self, token: str) -> None:
        """Cancel a direct upload. Hook: without one there is nothing to take away."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        extensions = settings.DIGITALSTORE_UPLOAD_EXTENSIONS
        return super().get_context_data(
            release=self.release,
            back_url=self.get_success_url(),
            is_direct=self.is_direct,
            max_bytes=settings.DIGITALSTORE_UPLOAD_MAX_BYTES,
            extensions=[f".{e.removeprefix('.')}" for e in extensions or ()],
            **kwargs,
        )


class GenericAssetCreateView(_UploadPage):
    """Adds a file to one of the seller's releases. The address has the release's ``pk``."""

    needs = {"form_class": ("get_form_class", "AssetForm")}
    page_template = "asset_form.html"

    @cached_property
    def release(self) -> Any:
        """The release that the address names."""
        return self.find(self.get_releases().select_related("product"))

    def prepare(self) -> None:
        """Find the release."""
        _found = self.release

    def get_form_kwargs(self) -> dict[str, Any]:
        asset = get_asset_model()(release=self.release)
        return {**super().get_form_kwargs(), "instance": asset}

    def start(self, form: Any) -> tuple[UploadTicket, str]:
        """Save the asset as processing."""
        ticket = form.start()
        return ticket, str(form.instance.pk)

    def finish(self, token: str) -> None:
        """Make the asset ready, or leave it to the job where looking would take long."""
        asset = self._begun(token)
        if asset.size > CHECKED_AT_ONCE and not asset.is_ready:
            text = _("“%(object)s” has arrived. It is being checked before anybody gets it.")
            self.succeed(text % {"object": asset})
            return
        flows.finish_upload(asset, actor=self.request.user)
        if asset.state == AssetState.FAILED:
            raise ProductNotReady({"file": asset.failure})
        if asset.is_ready:
            self.succeed(self.get_success_message(asset))

    def cancel(self, token: str) -> None:
        """Take the asset away again."""
        flows.cancel_upload(self._begun(token), actor=self.request.user)

    def _begun(self, token: str) -> Any:
        assets = self.get_assets().filter(release=self.release)
        try:
            return assets.get(pk=token)
        except (assets.model.DoesNotExist, ValueError, ValidationError, OverflowError):
            text = _("This file was deleted or taken away in the meantime. Upload it again.")
            raise ProductNotReady({"file": text}) from None


class GenericAssetReplaceView(_UploadPage):
    """Gives one of the seller's files new bytes. Links and log stay with the file."""

    page_template = "asset_replace.html"
    form_class = AssetReplaceForm

    @cached_property
    def object(self) -> Any:
        """The file that the address names."""
        return self.find(self.get_assets())

    @property
    def release(self) -> Any:
        return self.object.release

    def prepare(self) -> None:
        """Find the file."""
        _found = self.object

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "instance": self.object}

    def get_success_message(self, asset: Any) -> str:
        return _("“%(object)s” is replaced.") % {"object": asset}

    def start(self, form: Any) -> tuple[UploadTicket, str]:
        """Sign what was announced: nothing is saved before it has arrived."""
        name, ticket = form.start()
        data = form.cleaned_data
        announced = {
            "user": str(self.request.user.pk),
            "asset": str(self.object.pk),
            "name": name,
            "size": data["upload_size"],
            "sha256": data["upload_sha256"],
        }
        return ticket, signing.dumps(announced, salt=_SALT)

    def finish(self, token: str) -> None:
        """Put what arrived into the file."""
        age = settings.DIGITALSTORE_UPLOAD_AGE
        try:
            said = signing.loads(token, salt=_SALT, max_age=age)
        except signing.BadSignature:
            said = {}
        mine = (str(self.request.user.pk), str(self.object.pk))
        if (said.get("user"), said.get("asset")) != mine:
            raise ProductNotReady({"file": _("This upload is over. Upload the file again.")})
        flows.finish_replacement(
            self.object,
            said["name"],
            size=said["size"],
            sha256=said["sha256"],
            actor=self.request.user,
        )
        self.succeed(self.get_success_message(self.object))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(asset=self.object, **kwargs)


class GenericAssetUpdateView(_SellersPage, _SellersFiles, UpdateView):
    """Edits name, platform, visibility and position of one of the seller's files."""

    needs = {"form_class": ("get_form_class", "AssetForm"), **_LIST}
    page_template = "asset_form.html"

    def get_object(self, queryset: QuerySet | None = None) -> Any:
        return self.find(self.get_assets())

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "seller": self.request.user}

    def get_success_url(self) -> str:
        """Return where to go afterwards: to the files of the release. Hook."""
        return self.get_list_url(self.object.release)

    def form_valid(self, form: Any) -> HttpResponse:
        """Save by the form's flow."""
        try:
            form.save()
        except ProductNotReady as error:
            form.take_errors(error)
            return self.form_invalid(form)
        self.succeed(_("“%(object)s” is saved.") % {"object": self.object})
        return HttpResponseRedirect(self.get_success_url())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            release=self.object.release, back_url=self.get_success_url(), **kwargs
        )


class GenericAssetDeleteView(_SellersPage, _SellersFiles, DeleteView):
    """Asks, then deletes one of the seller's files. Who owns the product loses it."""

    needs = _LIST
    page_template = "asset_confirm_delete.html"

    def get_object(self, queryset: QuerySet | None = None) -> Any:
        return self.find(self.get_assets())

    def get_success_url(self) -> str:
        """Return where to go afterwards: to the files of the release. Hook."""
        return self.get_list_url(self.object.release)

    def form_valid(self, form: Any) -> HttpResponse:
        """Delete by the flow."""
        success_url = self.get_success_url()
        flows.delete_file(self.object, actor=self.request.user)
        self.succeed(_("“%(object)s” is deleted.") % {"object": self.object})
        return HttpResponseRedirect(success_url)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            release=self.object.release, back_url=self.get_success_url(), **kwargs
        )
