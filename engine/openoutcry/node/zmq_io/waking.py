"""A way to end the wait of `receive` from another thread or from a signal handler."""

import os


class Waker:
    """An event counter of the kernel (eventfd): one write wakes, any number of writes wake once."""

    def __init__(self) -> None:
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def wake(self) -> None:
        """Wake whoever waits, or the next one who does. One system call, no lock; nothing after `close`."""
        fd = self.fd
        if fd >= 0:
            os.eventfd_write(fd, 1)

    def clear(self) -> None:
        """Take note; call only when the descriptor is readable."""
        os.eventfd_read(self.fd)

    def close(self) -> None:
        """Give the descriptor back."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)
