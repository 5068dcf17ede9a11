"""Writers of the formats that the readers read, each written from its format's own description.

They write a generated flow (openoutcry.replay.generate), so that a reader's answer can be compared with what is known.
"""
