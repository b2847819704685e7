"""Httpds that are had without installing anything: made once below the user's cache folder, and run from there."""
