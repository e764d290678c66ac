"""Formats whose files hold key points or centroids: one module each."""
