"""Tests against a real server process, and the processes they need."""
