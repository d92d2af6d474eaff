"""A site with books in its database, before it sells them."""
