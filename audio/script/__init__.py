"""Reading Vietnamese official text: written text to spoken tokens, each with its place, its class and how sure we are."""

from audio.script.lexicon import Lexicon, LexiconEntry, LexiconError, Settled
from audio.script.model import Phrase, Script, Token, TokenClass
from audio.script.reader import read
from audio.script.source import kept, nfc

__all__ = [
    "Lexicon",
    "LexiconEntry",
    "LexiconError",
    "Phrase",
    "Script",
    "Settled",
    "Token",
    "TokenClass",
    "kept",
    "nfc",
    "read",
]
