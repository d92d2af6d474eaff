"""Short links to products, paths of the site and chosen hosts: cached, counted, attributed."""
