"""Listing and reading audio, and the tables that are kept under a results root."""
