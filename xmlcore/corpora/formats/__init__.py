"""One module for each format of official files; `converters` lists them."""
