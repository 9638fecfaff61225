"""From the bytes of a file to windows of samples."""
