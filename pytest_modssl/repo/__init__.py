"""A repository of httpd configuration as a test suite: what is found, how it is run unmodified, what is checked."""
