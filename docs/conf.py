"""Configure Sphinx for these pages: ``make docs``."""

from importlib.metadata import version as installed

project = "audio-assets"
author = "The audio-assets developers"
release = version = installed("audio-assets")
extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "audio-assets"
# Links name headings as GitHub does.
myst_heading_anchors = 2
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
