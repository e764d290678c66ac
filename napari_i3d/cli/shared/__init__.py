"""What commands share: options, printing, progress bars."""
