"""What the demo shop sells: its catalogue, its covers and its files, all made by code."""
