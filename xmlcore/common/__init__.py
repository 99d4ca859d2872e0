"""What every part stands on: errors, files, the command line, processes."""
