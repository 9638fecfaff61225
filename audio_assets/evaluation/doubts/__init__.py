"""Checks for what would put the numbers of a species in doubt."""
