"""What was sold: figures by day, product and country, for each seller and for the whole site."""
