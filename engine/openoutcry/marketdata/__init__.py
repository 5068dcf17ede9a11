"""What a venue tells everybody of its books, and what a follower makes of it.

`records` are what travels; `encoder` turns a group's events into them; `feed` numbers them, one stream for each pair
and kind; `followers` rebuild from them what the venue shows. Pure, as the book is: frames go in and out, time is given.
"""
