"""Hosting a book: sessions, order entry, phases, receipts and feeds. Line 4; used by lit and dark venues alike."""
