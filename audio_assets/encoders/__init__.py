"""The encoders, and the registry of encoders and models."""
