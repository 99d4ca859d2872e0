"""Models that withstand: a defence wraps a classifier and is one."""
