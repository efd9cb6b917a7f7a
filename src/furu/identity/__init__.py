"""Which config is which: encoding, hashing, decoding and dependency discovery. Pure."""
