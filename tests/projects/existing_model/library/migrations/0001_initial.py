"""The table as it was before the store, with a book in it."""

from django.db import migrations, models


def write_a_book(apps, schema_editor):
    ebook = apps.get_model("library", "Ebook")
    books = ebook._default_manager.using(schema_editor.connection.alias)
    books.create(title="Before the store", slug="before-the-store", pages=512)


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Ebook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=120, verbose_name="Titel")),
                ("slug", models.SlugField(max_length=120, unique=True)),
                ("pages", models.PositiveIntegerField(blank=True, null=True)),
            ],
        ),
        migrations.RunPython(write_a_book, migrations.RunPython.noop),
    ]
