"""Made-up prose that compresses as English does.

Owns words and sentences: a Zipf vocabulary in which each word has a few likely followers. Knows no
message and no exchange. `python benchmarks/cassette_prose.py` says how far zstd-19 takes it: 2.7
to 1 for 100 KB, 3.3 for a megabyte, 3.6 for five, which is where English prose stands too.
"""

from __future__ import annotations

import random
from itertools import accumulate

_SOUNDS = """
t s th w h m b c d r f p l n g st pr v tr k gr br sh pl cl fr j qu
e a o i e a o u ea ou i ai oo ie
n t s r d l m ng st nd ck p ll ss nt rt x
"""
_ONSETS, _VOWELS, _CODAS = (line.split() for line in _SOUNDS.strip().split("\n"))
_ENDINGS = ["", "", "", "", "s", "ed", "ing", "er", "ly", "tion", "al", "ment"]
_WORDS = 10000
_FOLLOWERS = 10
_HEEDED = 0.25
"""How often a word is one of its predecessor's followers: with the vocabulary, what sets the
compression."""


def _vocabulary(dice: random.Random) -> list[str]:
    """Make words, the frequent ones short."""
    found: dict[str, None] = {}
    while len(found) < _WORDS:
        syllables = 1 if len(found) < 200 else 1 + (dice.random() < 0.7) + (dice.random() < 0.3)
        word = ""
        for _ in range(syllables):
            word += dice.choice(_ONSETS) + dice.choice(_VOWELS)
            if dice.random() < 0.5:
                word += dice.choice(_CODAS)
        found[word + (dice.choice(_ENDINGS) if len(found) >= 200 else "")] = None
    return list(found)


_DICE = random.Random(1)
_VOCABULARY = _vocabulary(_DICE)
_WEIGHTS = list(accumulate(1 / (rank + 2.7) for rank in range(_WORDS)))
_NEXT = [_DICE.choices(range(_WORDS), cum_weights=_WEIGHTS, k=_FOLLOWERS) for _ in range(_WORDS)]


class Prose:
    """A writer with a seed of its own."""

    def __init__(self, seed: object) -> None:
        """Write what this seed gives, and always the same."""
        self.dice = random.Random(str(seed))
        self._place = 0

    def words(self, count: int) -> list[str]:
        """Write so many words, with capitals and stops."""
        dice = self.dice
        random_, place, following = dice.random, self._place, _NEXT
        drawn = iter(dice.choices(range(_WORDS), cum_weights=_WEIGHTS, k=count))
        text: list[str] = []
        starts = True
        for fresh in drawn:
            heeded = random_() < _HEEDED
            place = following[place][int(random_() ** 2 * _FOLLOWERS)] if heeded else fresh
            word = _VOCABULARY[place]
            chance = random_()
            if chance < 0.01:
                word = str(int(random_() * 3000))
            text.append(word.capitalize() if starts else word)
            starts = chance > 0.93
            if starts:
                text[-1] += ".\n" if chance > 0.993 else "."
            elif chance > 0.87:
                text[-1] += ","
        self._place = place
        return text

    def text(self, size: int) -> str:
        """Write about so many characters."""
        return " ".join(self.words(max(2, round(size / 6.6))))

    def title(self) -> str:
        """Write a few words without stops."""
        return " ".join(self.words(self.dice.randint(3, 7))).rstrip(".,\n")


def main() -> None:
    import zstandard  # noqa: PLC0415  (only this measurement needs it)

    for size in (100_000, 1_000_000, 5_000_000):
        text = Prose("measured").text(size).encode()
        packed = zstandard.ZstdCompressor(level=19).compress(text)
        print(f"{len(text)} bytes of prose, zstd-19: {len(text) / len(packed):.2f} to 1")


if __name__ == "__main__":
    main()
