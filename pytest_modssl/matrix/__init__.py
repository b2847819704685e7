"""Runs over several targets and several jobs: what is told of them, and how they are split. Knows no pytest."""
