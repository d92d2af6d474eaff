"""Host projects: the suite's tests run under each of them."""
