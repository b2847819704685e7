"""An installed httpd, what it is asked to be, and what it says: programs, configurations, error logs."""
