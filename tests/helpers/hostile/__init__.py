"""Files that a stranger may have made: broken, greedy, lying or calling functions; and a reader that is watched."""
