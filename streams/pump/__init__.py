"""From chat.messages to committed offsets: slices, batches, watermarks, and what watches over them."""
