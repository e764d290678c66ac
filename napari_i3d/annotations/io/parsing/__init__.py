"""Helpers of the annotation formats."""
