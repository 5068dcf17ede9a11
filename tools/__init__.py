"""Scripts behind the Makefile; nothing here is shipped."""
