"""What several tracking formats share: rows of boxes and points, text tables, key frames."""
