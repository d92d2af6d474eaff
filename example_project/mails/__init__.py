"""In test mode: every mail is kept as a file, and a page shows what was sent."""
