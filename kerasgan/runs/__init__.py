"""A run in its working directory: train, resume, sample."""
