"""Formats whose files hold bounding boxes: one module each."""
