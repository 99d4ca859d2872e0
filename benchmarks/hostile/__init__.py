"""What the library must withstand: damaged and hostile inputs of every parser."""
