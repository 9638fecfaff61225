"""The clips and recordings that exist, and which of them can be used."""
