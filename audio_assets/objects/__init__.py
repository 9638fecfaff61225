"""Store bytes in a folder or bucket: roots, files, locks and claims."""
