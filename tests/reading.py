"""How hard a text is to read: the Flesch-Kincaid grade level (Kincaid et al. 1975), as published.

0.39 x words a sentence + 11.8 x syllables a word - 15.59. Syllables are counted by groups of vowels, as is usual.
"""

import re


def grade_level(text: str) -> float:
    """School grade whose students can read the text."""
    sentences = [part for part in re.split(r"[.!?]+(?:\s|$)", text) if re.search(r"[A-Za-z]", part)]
    words = re.findall(r"[A-Za-z]+(?:'[a-z]+)?", text)
    return 0.39 * len(words) / len(sentences) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


def syllables(word: str) -> int:
    """Syllables of an English word: groups of vowels, without a silent e at the end.

    >>> [syllables(word) for word in ("mentor", "attendance", "school", "made", "family", "people", "missed")]
    [2, 3, 1, 1, 3, 2, 1]
    """
    plain = re.sub(r"[^a-z]", "", word.lower())
    silent = re.sub(r"(?:(?<![td])ed|(?<![aeiouyl])e|(?<=[aeiouy]l)e)$", "", plain)
    return max(1, len(re.findall(r"[aeiouy]+", silent)))
