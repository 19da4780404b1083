"""What a version saw in training, and how its reference is made."""
