"""One module per format: `knows(name, head)` says whether a file is of the format, `read(source, options)` reads it."""
