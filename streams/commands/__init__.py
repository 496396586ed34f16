"""What can be asked of Chatsieve at a terminal."""
