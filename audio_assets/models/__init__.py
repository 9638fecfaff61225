"""An encoder with a head: the registry of models, and the heads that are trained."""
