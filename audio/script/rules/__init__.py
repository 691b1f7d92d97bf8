"""The rules of reading, by subject. Each takes a :class:`~audio.script.rules.cursor.Cursor` and gives a reading, or None to let the next one try."""
