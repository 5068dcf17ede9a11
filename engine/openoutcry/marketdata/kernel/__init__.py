"""Machine code of market data. Each module is one kernel with all its helpers: numba notices a change of that file, and
the folder of the machine code is named after the rest (see `openoutcry.book.kernel.compiling`).
"""
