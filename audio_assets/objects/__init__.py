"""Bytes in a folder or bucket: roots, files, locks and claims, whatever the bytes mean."""
