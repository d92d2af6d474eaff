"""Ships a version from the build, as `python manage.py shell` or a command of yours does."""

from pathlib import Path

from django.core.files import File

from django_digitalstore.catalog import flows

from .models import Release


def ship(product, version, notes, folder):
    """Make a release of every file that the build left in ``folder``, and publish it."""
    release = Release.objects.filter(product=product, version=version).first()
    if release is None:
        release = flows.save_release(Release(product=product, version=version, notes=notes))
    there = set(release.assets.values_list("name", flat=True))
    for path in sorted(Path(folder).iterdir()):
        if path.name not in there:
            with path.open("rb") as file:
                flows.attach_file(release, File(file), name=path.name)
    return flows.publish_release(release)
