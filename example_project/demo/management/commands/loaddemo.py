"""``manage.py loaddemo``: people, products and orders to look at. Twice is the same as once."""

from __future__ import annotations

import datetime as dt
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from django.utils import timezone
from shop.models import Asset, Category, Order, Product, Release, SupportRequest

from demo.catalogue import CATALOGUE, CATEGORIES, SELLERS, DemoProduct, DemoRelease
from demo.content import build_files, seller_name
from demo.covers import draw_cover
from django_digitalstore.catalog import flows as catalog
from django_digitalstore.contrib.shorturls import flows as shorturls
from django_digitalstore.contrib.shorturls.addresses import path_of
from django_digitalstore.contrib.shorturls.models import ShortLink
from django_digitalstore.core.site_url import absolute_url
from django_digitalstore.entitlements import flows as entitlements
from django_digitalstore.entitlements import policies
from django_digitalstore.entitlements.sources import Source
from django_digitalstore.payments import flows as payments
from django_digitalstore.payments import testing as sandbox
from django_digitalstore.support import flows as support

PASSWORD = "demo-password"
CUSTOMER = "mara@example.com"
STAFF = "staff@example.com"

NEWS = """
The shop:      {shop}
For sellers:   {panel}
For staff:     {admin}
Mails sent:    {mails}

Log in with an e-mail address and the password {password}
{people}
What to click
  1. As {customer}: Library, then Download. Orders has one of each kind: paid, pending,
     declined, refunded, disputed, and one whose access was revoked.
  2. Buy something: a product, Buy now, then on the test page Pay, Decline, or Misbehave.
  3. As {seller}: New product, Publish, See the shop; Sales shows what was sold, Links
     who clicked ({link}), Support what was asked.
  4. As {staff}: an order with all that happened to it; access granted and
     revoked, with reasons.
  5. Create an account of your own: the code that it asks for is on the page of mails.
"""


FIRST_PAGES = """\
THE PATIENT TYPOGRAPHER

Begin with the page that you have, and not with the one that you admire. Print it. Put it on the
table, walk to the window, and come back. What do you see first? If it is not what the reader came
for, that is where the work is, and no other typeface will do it for you.
"""


class Command(BaseCommand):
    """Makes what is missing and leaves alone what is there, whatever you did to it."""

    help = "Fills the shop with demo data: people, products with files, and orders in every state."

    def handle(self, *args: Any, **options: Any) -> None:
        """Load, then print where to look and how to log in."""
        if not settings.DIGITALSTORE_TEST_MODE:
            raise CommandError(
                "loaddemo – this shop is not in test mode, and demo people with a known password "
                "don't belong into a real one – use the settings config.settings with DEBUG=1."
            )
        self.verbosity = int(options["verbosity"])
        self.say("People …", 1)
        people = self.make_people()
        self.say("Products, with covers and files …", 1)
        products = self.make_products(people)
        self.say("Orders …", 1)
        self.make_orders(people, products)
        self.say("What came out lately …", 1)
        self.make_news(people, products)
        self.say("Short links …", 1)
        self.make_links(people, products)
        self.say("Support …", 1)
        self.make_support(people, products)
        if self.verbosity:
            self.stdout.write(self.style.SUCCESS("The demo is ready."))
            self.stdout.write(self.news())

    def say(self, text: str, verbosity: int = 2) -> None:
        """Print a line where so much is asked for."""
        if self.verbosity >= verbosity:
            self.stdout.write(text)

    # --- people ---------------------------------------------------------------------------------

    def make_people(self) -> dict[str, Any]:
        """Make the customer, the sellers and staff, each with a verified address."""
        people = {
            "customer": self.person(CUSTOMER, "Mara", "Vance"),
            "staff": self.person(STAFF, "Robin", "Sato", is_staff=True, is_superuser=True),
        }
        for seller in SELLERS:
            user = self.person(seller.email, seller.first_name, seller.last_name)
            people[seller.key] = user
            if not user.has_perm("shop.sell_product"):
                call_command(
                    "digitalstore_seller", user.get_username(), verbosity=0, stdout=_Mute()
                )
        return people

    def person(self, email: str, first_name: str, last_name: str, **flags: bool) -> Any:
        users = get_user_model().objects
        user = users.filter(email=email).first()
        if user is None:
            user = users.create_user(
                email.partition("@")[0],
                email,
                PASSWORD,
                first_name=first_name,
                last_name=last_name,
                **flags,
            )
            self.say(f"  {email}")
        if not EmailAddress.objects.filter(user=user, email=email).exists():
            EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
        return user

    # --- what is for sale -----------------------------------------------------------------------

    def make_products(self, people: dict[str, Any]) -> dict[str, Product]:
        """Make the categories, and the products with covers, releases and files."""
        categories = {}
        for position, demo in enumerate(CATEGORIES, start=1):
            found = Category.objects.filter(slug=demo.slug).first()
            categories[demo.slug] = found or catalog.save_category(
                Category(
                    slug=demo.slug,
                    name=demo.name,
                    description=demo.description,
                    position=position,
                )
            )
        products = {}
        for demo in CATALOGUE:
            products[demo.slug] = self.product(demo, people[demo.seller], categories)
        return products

    def product(self, demo: DemoProduct, seller: Any, categories: dict[str, Category]) -> Product:
        product = Product.objects.filter(slug=demo.slug).first()
        is_new = product is None
        if product is None:
            first = next((r.published_on for r in demo.releases if r.published_on), None)
            product = Product(
                slug=demo.slug,
                title=demo.title,
                summary=demo.summary,
                description=demo.description,
                price=demo.price,
                currency=demo.currency,
                featured=demo.featured,
                seller=seller,
                published_at=_noon(first),
            )
            cover = draw_cover(demo.slug, demo.title, seller_name(demo))
            product.cover.save(f"{demo.slug}.png", ContentFile(cover), save=False)
            catalog.save_product(product, categories=[categories[s] for s in demo.categories])
            self.say(f"  {demo.title}")
        for release in demo.releases:
            self.release(product, demo, release)
        if is_new and demo.status != "draft":
            catalog.publish_product(product)
            if demo.status == "archived":
                catalog.archive_product(product)
        return product

    def release(self, product: Product, demo: DemoProduct, wanted: DemoRelease) -> None:
        release, is_new = Release.objects.get_or_create(
            product=product,
            version=wanted.version,
            defaults={"notes": wanted.notes, "published_at": _noon(wanted.published_on)},
        )
        there = set(release.assets.values_list("name", flat=True))
        if there and not is_new:
            return
        for position, (name, content) in enumerate(build_files(demo, wanted.version)):
            if name not in there:
                file = ContentFile(content, name=name)
                catalog.attach_file(release, file, name=name, position=position)

    # --- what was bought ------------------------------------------------------------------------

    def make_orders(self, people: dict[str, Any], products: dict[str, Product]) -> None:
        """Place orders as a buyer does, and let the sandbox decide what becomes of each."""
        mara, staff = people["customer"], people["staff"]

        def placed(*slugs: str) -> Any:
            """Return the attempt to pay a new order of these, or None where there was one."""
            chosen = [products[slug] for slug in slugs]
            if Order.objects.filter(customer=mara, lines__product=chosen[0]).exists():
                return None
            self.say(f"  order of {', '.join(slugs)}")
            lines = [payments.LineRequest(product) for product in chosen]
            payment = payments.start_checkout(mara, lines, email=mara.email, country="DE")
            order = [payment.order.public_id]
            return payments.open_checkout(
                payment,
                return_url=absolute_url(reverse("shop:order_return", args=order)),
                cancel_url=absolute_url(reverse("shop:order_detail", args=order)),
            )

        if payment := placed("the-patient-typographer", "kitchen-percussion"):
            sandbox.pay(payment)
        placed("hedgerow-icons")
        if payment := placed("twelve-papers"):
            sandbox.pay(payment, "failed")
        if payment := placed("the-one-page-ledger"):
            sandbox.pay(payment)
            sandbox.refund(payment.order)
        if payment := placed("tidewheel"):
            sandbox.pay(payment)
            sandbox.dispute(payment.order)
        if payment := placed("forms-that-forgive"):
            sandbox.pay(payment)
            entitlements.revoke_product(
                mara,
                products["forms-that-forgive"],
                actor=staff,
                reason="The files were offered on another site.",
            )
        # The almanac is not for sale any more; who owns it keeps it.
        entitlements.grant_product(
            mara,
            products["almanac-of-small-deadlines"],
            source=Source("gift", "demo"),
            actor=staff,
            reason="With thanks for the corrections.",
        )

    # --- what came out lately -------------------------------------------------------------------

    def make_news(self, people: dict[str, Any], products: dict[str, Product]) -> None:
        """Make an update that an owner has not seen yet, a withdrawn version, and a sample."""
        mara, percussion = people["customer"], products["kitchen-percussion"]
        demo = {product.slug: product for product in CATALOGUE}
        if not percussion.releases.filter(version="1.1").exists():
            bought = policies.live_purchase(mara, percussion)
            first = Asset.objects.filter(release__product=percussion).first()
            if bought and first:
                entitlements.record_download(bought, first, address=None, agent="The demo")
            update = catalog.save_release(
                Release(
                    product=percussion,
                    version="1.1",
                    notes="What is new:\n\n- the **sieve** is in tune\n- less hiss in the kettle",
                )
            )
            for name, content in build_files(demo["kitchen-percussion"], "1.0"):
                newer = name.replace("1.0", "1.1")
                catalog.attach_file(update, ContentFile(content, name=newer), name=newer)
            catalog.publish_release(update)
        papers = products["twelve-papers"]
        if not papers.releases.filter(version="1.1").exists():
            mirrored = catalog.save_release(
                Release(product=papers, version="1.1", notes="Two papers more.")
            )
            for name, content in build_files(demo["twelve-papers"], "1.0"):
                catalog.attach_file(mirrored, ContentFile(content, name=name), name=name)
            catalog.publish_release(mirrored)
            catalog.yank_release(mirrored, reason="The two new papers were printed mirrored.")
        book = products["the-patient-typographer"].releases.order_by("pk").last()
        name = "The Patient Typographer, first pages.txt"
        if book and not book.assets.filter(name=name).exists():
            sample = Asset(release=book, name=name, visibility="sample", position=9)
            catalog.store_file(sample, ContentFile(FIRST_PAGES.encode(), name=name))

    # --- what is told of it ---------------------------------------------------------------------

    def make_links(self, people: dict[str, Any], products: dict[str, Product]) -> None:
        """Make a few short links, with the clicks of two weeks and the orders they led to."""
        book, icons = products["the-patient-typographer"], products["hedgerow-icons"]
        wanted: dict[str, dict[str, Any]] = {
            "patient": {"product": book, "label": "Newsletter of May"},
            "hedgerow": {"product": icons, "label": "QR code on the poster"},
            "new-things": {"path": reverse("shop:product_list"), "label": "Profile page"},
        }
        today = timezone.localdate()
        for busy, (code, fields) in enumerate(wanted.items()):
            if ShortLink.objects.filter(code=code).exists():
                continue
            link = shorturls.create_link(code=code, owner=people["ines"], **fields)
            for ago in range(14):
                for _click in range((ago * 7 + busy * 3) % 5 + 1):
                    shorturls.record_click(link.pk, today - dt.timedelta(days=ago))
        orders = Order.objects.filter(customer=people["customer"], lines__product=book)
        for order in orders.distinct():
            shorturls.attribute_order("patient", order.public_id)

    # --- what was asked -------------------------------------------------------------------------

    def make_support(self, people: dict[str, Any], products: dict[str, Product]) -> None:
        """Let some products come with support, and the customer ask something."""
        mara, book = people["customer"], products["the-patient-typographer"]
        if not book.support_terms.exists():
            support.save_terms(
                book,
                included="requests",
                included_requests=2,
                pack_price=900,
                pack_size=3,
                response_hours=48,
                actor=book.seller,
            )
        percussion = products["kitchen-percussion"]
        if not percussion.support_terms.exists():
            support.save_terms(
                percussion, included="window", included_days=90, actor=percussion.seller
            )
        if not SupportRequest.objects.filter(user=mara, product=book).exists():
            request = support.open_request(
                mara,
                book,
                subject="The third chapter on a small reader",
                body="On my reader the figures of chapter three are cut off. Is there a setting?",
                files=[ContentFile(b"width: 600 px\nfirmware: 4.2\n", name="my reader.txt")],
            )
            support.add_note(request, author=book.seller, body="The EPUB of 1.0 had this too.")
            support.reply(
                request,
                author=book.seller,
                body="There is: turn on “fit to page”. The next version will not need it.",
            )

    def news(self) -> str:
        """Return where to look, how to log in, and what to click."""
        sellers = [seller.email for seller in SELLERS]
        people = [(CUSTOMER, "customer"), *((s, "seller") for s in sellers), (STAFF, "staff")]
        return NEWS.format(
            shop=absolute_url(reverse("shop:product_list")),
            panel=absolute_url(reverse("shop:seller_products")),
            admin=absolute_url(reverse("admin:index")),
            mails=absolute_url(reverse("mails")),
            link=absolute_url(path_of("patient")),
            password=PASSWORD,
            people="".join(f"  {email:<22} {what}\n" for email, what in people),
            customer=CUSTOMER,
            seller=sellers[0],
            staff=STAFF,
        )


class _Mute:
    """Takes the words of another command."""

    def write(self, text: str = "") -> None:
        """Say nothing."""


def _noon(day: dt.date | None) -> dt.datetime | None:
    return day and dt.datetime.combine(day, dt.time(12), dt.UTC)
