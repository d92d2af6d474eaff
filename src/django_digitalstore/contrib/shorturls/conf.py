"""Settings of the short links. Each is read as ``settings.DIGITALSTORE_<NAME>``."""

from datetime import timedelta

from appconf import AppConf

__all__ = ["ShortLinksConf"]


class ShortLinksConf(AppConf):  # type: ignore[misc]  # django-appconf is untyped
    """Where short links lie, where they may lead, and how long what they do is remembered."""

    #: Path of the short links below the include of ``django_digitalstore.urls``; None leaves them
    #: out of it, for a site that includes ``django_digitalstore.contrib.shorturls.urls`` itself.
    SHORTURLS_PREFIX: str | None = "s/"
    #: Hosts of other sites that links may lead to, as in ``("blog.example.com",)``; no wildcards.
    SHORTURLS_HOSTS: tuple[str, ...] = ()
    #: Characters of a code that is made at random.
    SHORTURLS_CODE_LENGTH = 7
    #: Codes that nobody may choose, in small letters.
    SHORTURLS_RESERVED: tuple[str, ...] = ("admin", "api", "login", "logout", "static", "media")
    #: How long a resolved code is kept in the cache. With a cache that the processes share a change
    #: is felt at once; otherwise within this time.
    SHORTURLS_TIMEOUT = timedelta(seconds=60)
    #: How long after a click an order is counted for the link; zero sets no cookie.
    SHORTURLS_ATTRIBUTION = timedelta(days=30)
    #: A visitor in whose ``User-Agent`` one of these words stands is no click, as is one without
    #: any. In small letters.
    SHORTURLS_BOTS: tuple[str, ...] = (
        "bot",
        "crawl",
        "spider",
        "slurp",
        "preview",
        "facebookexternalhit",
        "mediapartners",
        "whatsapp",
        "embedly",
        "lighthouse",
        "headlesschrome",
        "pingdom",
        "uptime",
        "inspectiontool",
        "chatgpt-user",
        "curl/",
        "wget",
        "libwww",
        "python",
        "scrapy",
        "go-http-client",
        "httpclient",
        "okhttp",
        "java/",
        "node-fetch",
        "axios/",
    )
    #: Links on one page of the seller's list.
    SHORTURLS_PER_PAGE = 50

    class Meta:
        prefix = "digitalstore"
