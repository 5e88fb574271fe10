"""Words as bash breaks them."""

from __future__ import annotations

from click.shell_completion import BashComplete, CompletionItem, add_completion_class


class Bash(BashComplete):
    """Bash breaks words at `=`: they are put together, and what it knows already is cut off."""

    known = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one that is being typed, and that one."""
        before, incomplete = super().get_completion_args()
        words: list[str] = []
        for word in (*before, incomplete):
            if words and (word == "=" or words[-1].endswith("=")):
                words[-1] += word
            else:
                words.append(word)
        if incomplete != words[-1]:
            self.known = words[-1].removesuffix("" if incomplete == "=" else incomplete)
        return words[:-1], words[-1]

    def format_completion(self, item: CompletionItem) -> str:
        """Return what bash is to put behind what it knows."""
        item.value = item.value.removeprefix(self.known)
        return super().format_completion(item)


def register() -> None:
    """Let click use this for bash."""
    add_completion_class(Bash)
