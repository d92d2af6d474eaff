from django.contrib import admin

from django_digitalstore.catalog.admin import AbstractProductAdmin

from .models import Ebook


@admin.register(Ebook)
class EbookAdmin(AbstractProductAdmin):
    pass
