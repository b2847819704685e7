"""What is shown of a failure."""
