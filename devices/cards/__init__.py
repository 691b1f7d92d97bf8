"""Cards: how large, in which lines and how fast a text is shown on a panel, and the same as a picture.

The receiver's page and the station's previews stand on one layout and one font, so that both show the same.
"""
