"""Audio speaks: text to script to clip. No database, no MQTT, no HTTP server."""

import warnings

# pydub warns when it finds no ffmpeg program. It gets raw samples here, and PyAV, which brings FFmpeg along, does the
# decoding and encoding.
warnings.filterwarnings("ignore", "Couldn't find ff", RuntimeWarning)
