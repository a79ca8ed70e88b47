"""The one exception family whose message a trainee may read."""


class RangeError(Exception):
    """An anticipated failure.

    Args:
        message: May be shown to a trainee: what was expected, what came, what to do.
        reason: Short slug from the documented set; also the metrics label.
        status: HTTP status a page answers with.
        retryable: Whether the same action may succeed later without a change.
    """

    def __init__(
        self, message: str, *, reason: str, status: int = 400, retryable: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.status = status
        self.retryable = retryable
