"""Where substitutes come from: one interface, a module for each source."""
