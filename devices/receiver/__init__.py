"""The agent that runs on a loudspeaker cluster or an LED screen."""
