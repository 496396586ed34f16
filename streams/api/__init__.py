"""An HTTP API: judge a message before it is shown, see what waits for a human, say what a human decided."""
