"""Files in a private bucket of S3, or of any server that speaks its protocol. Needs the extra
``s3``.

Name ``django_digitalstore.contrib.s3.storage.S3PrivateStorage`` in ``STORAGES`` and
``django_digitalstore.contrib.s3.backend.S3DeliveryBackend`` in ``DIGITALSTORE_DELIVERY``. No table,
no template: the package needs no place in ``INSTALLED_APPS``, and its checks run without.
"""
