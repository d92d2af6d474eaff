"""django-oscar at the jobs that it shares with the suite: a project, and a process, of its own."""
