"""What a quiet magic displays, and does not show."""

from __future__ import annotations

from typing import Any

from IPython.core.displaypub import DisplayPublisher


class QuietPublisher(DisplayPublisher):  # type: ignore[misc]  # its package ships no types
    """Takes what is displayed. Only renewals of what stands there already go on, as those of panes of earlier cells."""

    def __init__(self, publisher: Any) -> None:
        super().__init__()
        self._publisher = publisher
        self._hidden: set[str] = set()

    def publish(self, data: Any, *positional: Any, transient: Any = None, update: bool = False, **options: Any) -> None:
        display_id = (transient or {}).get("display_id")
        if update and display_id not in self._hidden:
            self._publisher.publish(data, *positional, transient=transient, update=update, **options)
        elif display_id is not None:
            self._hidden.add(display_id)
