"""What every part uses: errors, files, the command line, processes."""
