"""Programs that are measured as processes of their own."""
