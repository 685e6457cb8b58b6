"""Function call in a thread that stays alive after the call."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from tune_mnist.process import RAY_THREAD

Result = TypeVar("Result")


class BackgroundCall(Generic[Result]):
    """Call of a function in a daemon thread.

    The thread stays alive after the call, because Linux kills Ray's processes as soon as the
    thread that has started them ends (``PR_SET_PDEATHSIG`` of prctl(2)).

    Args:
        function: Function to call.
    """

    def __init__(self, function: Callable[[], Result]) -> None:
        self._function = function
        self._future: Future[Result] = Future()
        threading.Thread(target=self._run, name=RAY_THREAD, daemon=True).start()

    def result(self) -> Result:
        """Wait for the end of the call, and return or raise what the function did."""
        return self._future.result()

    @property
    def done(self) -> bool:
        """Whether the call has ended."""
        return self._future.done()

    def _run(self) -> None:
        try:
            self._future.set_result(self._function())
        except BaseException as error:  # raised again in the thread that asks for the result
            self._future.set_exception(error)
        threading.Event().wait()
