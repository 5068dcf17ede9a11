"""When a pair trades: calendars with zones, holidays and half days, random ends of auctions, halts, and what wins.

Pure: a calendar carries the offsets of its zone with it, so nothing here reads zone files, and a replay on another
machine comes to the same moments. The reader of calendar files is `openoutcry.client.calendar_file`.
"""
