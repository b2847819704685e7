"""What the terminal, and a service that runs tests, show of a run beside pytest's own lines. Knows no pytest."""
