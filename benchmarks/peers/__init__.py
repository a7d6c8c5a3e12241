"""Other people's models beside ours: `make compare` writes docs/peers.md."""
